"""Read the true output of a review from the fields of a form."""

from __future__ import annotations

from django.http import QueryDict
from django.utils.translation import gettext

from inference.messages import quote_value
from inference.numbers import FLOAT_PATTERN
from predictions.models import Review
from predictions.services.review_validation import InvalidReview

MAX_QUOTED_CHARACTERS = 60  # of rejected text in an error message


def parse_true_value(text: str) -> float | None:
    """Parse a number; None if the field is empty.

    Raises:
        InvalidReview: the text is not a number; code `wrong-type`.
    """
    text = text.strip()
    if not text:
        return None
    if not FLOAT_PATTERN.fullmatch(text):
        quoted = quote_value(text[:MAX_QUOTED_CHARACTERS])
        raise InvalidReview(
            gettext("Expected a number such as 5.1. Received: %(quoted)s.") % {"quoted": quoted},
            code="wrong-type",
            field="true_value",
        )
    return float(text)


def read_true_labels(fields: QueryDict) -> tuple[str, ...] | None:
    """Return the labels of a form with check boxes; None if it has none, or if the verdict makes them irrelevant.

    Browsers do not send check boxes that are not checked, so the form also sends an empty `true_labels`.
    """
    if "true_labels" not in fields or fields.get("verdict") == Review.Verdict.UNSURE:
        return None
    return tuple(label for label in fields.getlist("true_labels") if label)


def parse_true_labels(text: str, labels: list[str]) -> tuple[str, ...]:
    """Parse labels that are separated by commas.

    Raises:
        InvalidReview: it is unclear where a label ends, because labels contain commas; code `ambiguous`.
    """
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not any("," in label and label in text for label in labels):
        return parts
    if text.strip() in labels and not set(parts) <= set(labels):
        return (text.strip(),)
    raise InvalidReview(
        gettext(
            "It is unclear which labels you mean, because labels of this model contain commas. "
            "Review the predictions in the review queue or on their own pages."
        ),
        code="ambiguous",
        field="true_labels",
    )
