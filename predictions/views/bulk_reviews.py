"""Review several predictions with one verdict: the true output that they need, and the message with the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from inference.errors import InferenceError
from predictions.models import Prediction, Review
from predictions.permissions import can_review
from predictions.presentation import format_output
from predictions.services.ground_truth import ReviewResult, review_predictions
from predictions.services.review_fields import parse_true_labels, parse_true_value

MAX_LISTED_ERRORS = 5  # further ones are folded
MAX_SUGGESTED_LABELS = 200
SAVED_TITLES = {
    Review.Verdict.CORRECT: ngettext_lazy(
        "%(count)s review saved: marked correct.", "%(count)s reviews saved: marked correct.", "count"
    ),
    Review.Verdict.INCORRECT: ngettext_lazy(
        "%(count)s review saved: marked incorrect.", "%(count)s reviews saved: marked incorrect.", "count"
    ),
    Review.Verdict.UNSURE: ngettext_lazy(
        "%(count)s review saved: marked unsure.", "%(count)s reviews saved: marked unsure.", "count"
    ),
}


class TrueOutputField(NamedTuple):
    """The field for the true output of all selected predictions.

    Args:
        is_needed: whether a prediction of the page needs it to be marked incorrect.
        is_required: whether all of them need it.
        labels: the suggested labels.
    """

    title: str | Promise
    is_needed: bool
    is_required: bool
    labels: list[str]


def build_true_output_field(rows: Iterable[Prediction]) -> TrueOutputField:
    """Return the field for the predictions of a page. It takes a label, labels, or a value, as they have."""
    titles, needs, labels = set(), set(), dict[str, None]()
    for row in rows:
        if row.status != Prediction.Status.SUCCEEDED:
            continue
        count = len(row.model_version.labels)
        if row.value is not None:
            titles.add(_("True value"))
            needs.add(True)
        elif row.predicted_labels is not None:
            titles.add(_("True labels, separated by commas"))
            needs.add(count > 1)
        else:
            titles.add(_("True label"))
            needs.add(bool(row.label) and count != 2)
        if len(labels) < MAX_SUGGESTED_LABELS:
            labels |= dict.fromkeys(row.model_version.labels)
    title = titles.pop() if len(titles) == 1 else _("True label or value")
    return TrueOutputField(title, True in needs, needs == {True}, [*labels][:MAX_SUGGESTED_LABELS])


@dataclass(frozen=True, slots=True)
class BulkReview:
    """The predictions that have a new review, and the errors of the others."""

    verdict: str
    saved: list[Prediction]
    errors: list[tuple[Prediction, InferenceError]]

    @property
    def message(self) -> SafeString:
        """Return how many reviews are saved, and the reason for each one that is not."""
        if not self.errors:
            lines = [_render_link(row) for row in self.saved]
            title = SAVED_TITLES[Review.Verdict(self.verdict)] % {"count": len(lines)}
            return format_html("<details><summary>{}</summary>{}</details>", title, _render_list(lines))
        lines = [format_html("{}: {}", _render_link(row), error.message) for row, error in self.errors]
        shown, folded = lines[:MAX_LISTED_ERRORS], lines[MAX_LISTED_ERRORS:]
        text = format_html("{}{}", self.get_title(), _render_list(shown))
        if not folded:
            return text
        more = ngettext("%(count)s more", "%(count)s more", len(folded)) % {"count": len(folded)}
        return format_html("{}<details><summary>{}</summary>{}</details>", text, more, _render_list(folded))

    def get_title(self) -> str:
        if not self.saved:
            return gettext("No review saved.")
        total = len(self.saved) + len(self.errors)
        counts = {"count": len(self.saved), "total": total}
        saved = ngettext("%(count)s of %(total)s review saved.", "%(count)s of %(total)s reviews saved.", total) % counts
        counts = {"count": len(self.errors)}
        return f"{saved} {ngettext('%(count)s not saved:', '%(count)s not saved:', len(self.errors)) % counts}"


def review_in_bulk(*, rows: Sequence[Prediction], reviewer: User, verdict: str, text: str) -> BulkReview:
    """Store a review of each prediction. Valid ones are stored even if others are not.

    Args:
        text: the true output that was typed. Each prediction reads it as its own kind of output.
    """
    errors: dict[Any, InferenceError] = {}
    items = []
    for row in rows:
        try:
            items.append({"id": row.pk, "verdict": verdict, **_parse_true_output(row, text)})
        except InferenceError as error:
            errors[row.pk] = error
    results: list[ReviewResult] = review_predictions(
        items=items, reviewer=reviewer, picked_by=Review.PickedBy.MANUAL, is_allowed=can_review
    )
    errors |= {item["id"]: result.error for item, result in zip(items, results, strict=True) if result.error}
    saved = [row for row in rows if row.pk not in errors]
    return BulkReview(verdict, saved, [(row, errors[row.pk]) for row in rows if row.pk in errors])


def _parse_true_output(row: Prediction, text: str) -> dict[str, Any]:
    if not text.strip(" ,"):
        return {}
    if row.predicted_labels is not None:
        return {"true_labels": parse_true_labels(text, row.model_version.labels)}
    return {"true_value": parse_true_value(text)} if row.value is not None else {"true_label": text}


def _render_link(row: Prediction) -> SafeString:
    name = row.input.original_name or str(row.pk)
    return format_html('<a href="{}">{}, {}</a>', row.get_absolute_url(), format_output(row) or row.status, name)


def _render_list(lines: Sequence[SafeString]) -> SafeString:
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((line,) for line in lines)))
