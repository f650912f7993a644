"""Review and export selected predictions in the admin list; list the reviews of a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import EXPORT_PREDICTIONS, can_review_all, can_view_all, has_permission
from core.admin import GuardedAdmin
from inference.errors import InferenceError
from predictions.admin.display import format_review
from predictions.admin.indexed_lists import IndexedChangeList
from predictions.exports.stream import stream_export
from predictions.models import Prediction, Review
from predictions.permissions import can_review
from predictions.presentation import format_output, format_true_output
from predictions.services.ground_truth import ReviewResult, review_predictions
from predictions.services.review_fields import parse_true_labels, parse_true_value

MAX_SELECTED_PREDICTIONS = 200  # that one action reviews
MAX_TRUE_OUTPUT_CHARACTERS = 500  # several labels of a multi-label model


class ReviewActionForm(ActionForm):
    """The true label, labels, or value of all selected predictions."""

    true_output = forms.CharField(
        label=_("True label or value:"), required=False, max_length=MAX_TRUE_OUTPUT_CHARACTERS, strip=False
    )


class ReviewStateFilter(admin.SimpleListFilter):
    """Filter predictions by their active reviews."""

    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("unreviewed", gettext("Not reviewed")),
            ("agreed", gettext("Reviewed as correct")),
            ("disagreed", gettext("Reviewed as incorrect")),
            ("differ", gettext("Conflicting reviews")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Prediction]:
        states = {
            "unreviewed": queryset.awaiting_review,
            "agreed": queryset.unanimously_correct,
            "disagreed": queryset.unanimously_incorrect,
            "differ": queryset.with_conflicting_reviews,
        }
        state = self.value() or ""
        return states[state]() if state in states else queryset


class PredictionChangeList(IndexedChangeList):
    """Hide the date hierarchy when the list is filtered by reviews: few of its dates would have such predictions."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if request.GET.get(ReviewStateFilter.parameter_name):
            self.date_hierarchy = None


class ReviewInline(admin.TabularInline):
    """All reviews of a prediction, including withdrawn ones."""

    model = Review
    fields = readonly_fields = ("verdict", "true_output", "reviewer", "picked_by", "comment", "created_at", "withdrawn_at")
    ordering = ("-id",)
    extra = 0
    can_delete = False

    @admin.display(description=_("true output"))
    def true_output(self, row: Review) -> str:
        return format_true_output(row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        return super().get_queryset(request).select_related("reviewer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReviewActionsAdmin(GuardedAdmin):
    """Actions on selected predictions."""

    action_form = ReviewActionForm
    actions = ("mark_correct", "mark_incorrect", "mark_unsure", "export_as_csv")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PredictionChangeList

    def has_review_permission(self, request: HttpRequest) -> bool:
        return can_review_all(request.user)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return can_view_all(request.user) and has_permission(request.user, EXPORT_PREDICTIONS)

    @admin.action(description=_("Mark correct"), permissions=["review"])
    def mark_correct(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self.review_selected(request, queryset, Review.Verdict.CORRECT)

    @admin.action(description=_("Mark incorrect"), permissions=["review"])
    def mark_incorrect(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self.review_selected(request, queryset, Review.Verdict.INCORRECT)

    @admin.action(description=_("Mark unsure"), permissions=["review"])
    def mark_unsure(self, request: HttpRequest, queryset: QuerySet[Prediction]) -> None:
        self.review_selected(request, queryset, Review.Verdict.UNSURE)

    @admin.action(description=_("Export as CSV"), permissions=["export"])
    def export_as_csv(self, request: HttpRequest, queryset: Any) -> StreamingHttpResponse:
        return stream_export(queryset.order_by("-id"), reader=request.user, format_name="csv")

    def review_selected(self, request: HttpRequest, queryset: Any, verdict: str) -> None:
        """Store a review of each selected prediction, and show the result of each."""
        true_output = request.POST.get("true_output", "")
        rows: list[Prediction] = list(queryset.with_related()[: MAX_SELECTED_PREDICTIONS + 1])
        if len(rows) > MAX_SELECTED_PREDICTIONS:
            text = gettext("Select at most %(count)d predictions. No reviews were saved.")
            messages.error(request, text % {"count": MAX_SELECTED_PREDICTIONS})
            return
        try:
            items = [{"id": row.pk, "verdict": verdict, **_parse_true_output(row, true_output)} for row in rows]
        except InferenceError as error:
            messages.error(request, gettext("%(error)s No reviews were saved.") % {"error": error.message})
            return
        results = review_predictions(
            items=items, reviewer=cast(User, request.user), picked_by=Review.PickedBy.MANUAL, is_allowed=can_review
        )
        lines = [(result.error, _render_result(row, result)) for row, result in zip(rows, results, strict=True)]
        saved = [line for error, line in lines if error is None]
        failed = [line for error, line in lines if error is not None]
        if saved:
            messages.success(request, _render_summary(gettext("Saved reviews"), saved))
        if failed:
            messages.error(request, _render_summary(gettext("Reviews not saved"), failed))


def _parse_true_output(row: Prediction, text: str) -> dict[str, Any]:
    if not text.strip(" ,"):
        return {}
    if row.predicted_labels is not None:
        return {"true_labels": parse_true_labels(text, row.model_version.labels)}
    return {"true_value": parse_true_value(text)} if row.value is not None else {"true_label": text}


def _render_summary(title: str, lines: Sequence[SafeString]) -> SafeString:
    return format_html("{}: {}.{}", title, len(lines), format_html_join("", "{}", ((line,) for line in lines)))


def _render_result(row: Prediction, result: ReviewResult) -> SafeString:
    """Return one line with a link to the prediction, and its verdict or error."""
    return format_html(
        '<div><a href="{}">{}</a> ({}, {}): {}</div>',
        row.get_absolute_url(),
        format_output(row) or row.status,
        row.model_version,
        row.input.original_name or str(row.pk),
        result.error.message if result.error else format_review(result.review),
    )
