"""Format predictions and reviews for pages, the admin, and the command line."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from predictions.models import Input, Prediction, Review

MAX_PIXELATED_WIDTH = 64  # pixels; images up to this width are drawn with crisp pixels
MAX_ORDERED_LABELS = 12  # with more, the buttons for other labels are sorted by score

MAX_TEXT_START_CHARACTERS = 120

NamedValue = tuple[str, Any, str]
"""The name of a feature, its value, and its unit."""


def format_output(prediction: Prediction) -> str:
    """Return the label, or the value with its unit, or `raw output`; empty unless the prediction succeeded."""
    if prediction.status != Prediction.Status.SUCCEEDED:
        return ""
    if prediction.value is not None:
        unit = prediction.model_version.parsed_signature.output.unit
        return f"{prediction.value:,.6g} {unit}".strip()
    return prediction.label or "raw output"


def format_true_output(review: Review) -> str:
    """Return the true label or value of a review; empty if it has neither."""
    return review.true_label if review.true_value is None else f"{review.true_value:,.6g}"


def find_own_review(prediction: Prediction, user: User) -> Review | None:
    """Return a user's active review of a prediction that was fetched `with_reviews`; None for a new prediction."""
    reviews = getattr(prediction, "active_reviews", ())  # not set on a prediction that was just created
    return next((review for review in reviews if review.reviewer_id == user.pk), None)


def get_display_features(prediction: Prediction) -> list[NamedValue]:
    """Return the features under their display names, in the order of the signature."""
    return [(feature.display_name, value, feature.unit) for feature, value in prediction.get_features()]


def get_other_labels(prediction: Prediction) -> list[str]:
    """Return the labels other than the predicted one: in the order of the version or, if there are many, by score."""
    labels: list[str] = prediction.model_version.labels
    if len(labels) > MAX_ORDERED_LABELS + 1:
        labels = [label for label, _ in prediction.ranked_scores] or labels
    return [label for label in labels if label != prediction.label]


def format_text_start(row: Input) -> str:
    """Return the start of a text in one line, or that it is empty. For other inputs, return an empty string."""
    text = row.text
    if text is None:
        return ""
    start = " ".join(text[: 2 * MAX_TEXT_START_CHARACTERS].split())
    if len(start) <= MAX_TEXT_START_CHARACTERS and len(text) <= 2 * MAX_TEXT_START_CHARACTERS:
        return start or "(empty text)"
    return start[: MAX_TEXT_START_CHARACTERS - 1] + "…"


def is_pixelated(row: Input) -> bool:
    """Return whether an image is small enough to be drawn with crisp pixels."""
    return (row.width or 0) <= MAX_PIXELATED_WIDTH
