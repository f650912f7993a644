"""Format predictions and reviews for pages, the admin, and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import User
from core.formatting import format_output_number, shorten
from inference.signature import ImageInput, LabelsOutput, get_image_part
from predictions.models import Input, Prediction, Review

MAX_PIXELATED_WIDTH = 64  # pixels; images up to this width are drawn with crisp pixels
MAX_ORDERED_LABELS = 12  # with more, the buttons for other labels are sorted by score

MAX_CHECKBOX_LABELS = 12  # of a multi-label model; with more, the other labels are in a select field
MAX_TEXT_START_CHARACTERS = 120
MAX_TRUE_OUTPUT_CHARACTERS = 14  # in lists

NamedValue = tuple[str, Any, str]
"""The name of a feature, its value, and its unit."""


class LabelScore(NamedTuple):
    """The score of a label, whether the label is predicted, and its threshold in a multi-label model."""

    label: str
    score: float | None
    is_predicted: bool
    threshold: float | None = None


class LabelChoices(NamedTuple):
    """The labels with a check box, and the other labels."""

    boxes: list[LabelScore]
    others: list[str]


def format_output(prediction: Prediction) -> str:
    """Return the label, or the value with its unit, or `raw output`; empty unless the prediction succeeded."""
    if prediction.status != Prediction.Status.SUCCEEDED:
        return ""
    if prediction.is_erased:
        return _("no stored data")
    if prediction.value is not None:
        unit = prediction.model_version.parsed_signature.output.unit
        return f"{format_output_number(prediction.value)} {unit}".strip()
    if prediction.predicted_labels is not None:
        return format_labels(prediction.predicted_labels)
    return prediction.label or _("raw output")


def format_labels(labels: Sequence[str]) -> str:
    """Return the labels of a multi-label model, or `no label`."""
    return ", ".join(labels) or _("no label")


def format_true_output(review: Review) -> str:
    """Return the true label, labels, or value of a review; empty if it has none of them."""
    if review.true_labels is not None:
        return format_labels(review.true_labels)
    return review.true_label if review.true_value is None else format_output_number(review.true_value)


def get_true_output_name(review: Review) -> str:
    """Return the name of the true output of a review: `True label`, `True labels`, or `True value`."""
    if review.true_labels is not None:
        return _("True labels")
    return _("True label") if review.true_value is None else _("True value")


def format_verdict(review: Review) -> str:
    """Return a verdict as `get_verdict_display`, which builds all choices and takes four times as long."""
    return str(Review.Verdict(review.verdict).label)


def format_review(review: Review) -> str:
    """Return the name and the shortened true output of a review that corrects a prediction, or else its verdict."""
    output = format_true_output(review) if review.verdict == Review.Verdict.INCORRECT else ""
    name = get_true_output_name(review)
    return f"{name}: {shorten(output, MAX_TRUE_OUTPUT_CHARACTERS)}" if output else format_verdict(review)


def format_selection_label(prediction: Prediction) -> str:
    """Return the name of the check box that selects a prediction in a list."""
    return _("Select %(name)s") % {"name": prediction.input.original_name or prediction.pk}


def get_label_scores(prediction: Prediction) -> list[LabelScore]:
    """Return the predicted labels and then the others, each with the highest scores first."""
    output, labels = prediction.model_version.parsed_signature.output, prediction.predicted_labels
    predicted = {prediction.label} if labels is None else set(labels)
    thresholds = output.get_thresholds(prediction.model_version.labels) if isinstance(output, LabelsOutput) else {}
    scores = [
        LabelScore(label, score, label in predicted, thresholds.get(label)) for label, score in prediction.ranked_scores
    ]
    return sorted(scores, key=lambda score: not score.is_predicted)


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
        labels = [label for label, _score in prediction.ranked_scores] or labels
    return [label for label in labels if label != prediction.label]


def get_label_choices(prediction: Prediction) -> LabelChoices:
    """Return the labels of a multi-label prediction to choose from.

    They are in the order of the version or, if there are many, the predicted ones come first, then those with the highest
    scores; the others have no check box.
    """
    predicted = prediction.predicted_labels or []
    labels: list[str] = prediction.model_version.labels
    scores: dict[str, float] = (prediction.output or {}).get("scores", {})
    if len(labels) > MAX_CHECKBOX_LABELS:
        ranked = [label for label, _score in prediction.ranked_scores if label not in predicted]
        chosen = [*predicted, *ranked[: max(0, MAX_CHECKBOX_LABELS - len(predicted))]]
    else:
        chosen = labels
    boxes = [LabelScore(label, scores.get(label), label in predicted) for label in chosen]
    boxed = set(chosen)
    return LabelChoices(boxes, [label for label in labels if label not in boxed])


def format_text_start(row: Input) -> str:
    """Return the start of a text in one line, or that it is empty. For other inputs, return an empty string."""
    text = row.text
    if row.is_erased:
        return _("no stored data")
    if text is None:
        return ""
    start = " ".join(text[: 2 * MAX_TEXT_START_CHARACTERS].split())
    if len(start) <= MAX_TEXT_START_CHARACTERS and len(text) <= 2 * MAX_TEXT_START_CHARACTERS:
        return start or _("(empty text)")
    return start[: MAX_TEXT_START_CHARACTERS - 1] + "…"


def is_pixelated(row: Input) -> bool:
    """Return whether an image is small enough to be drawn with crisp pixels."""
    return (row.width or 0) <= MAX_PIXELATED_WIDTH


def build_open_query(predictions: Sequence[Prediction]) -> str:
    """Return the query string that names the open predictions with their statuses; empty if all are final."""
    shown = [f"{prediction.pk}.{prediction.status}" for prediction in predictions if not prediction.is_final]
    return urlencode({"shown": shown}, doseq=True)


def get_shown_signature(prediction: Prediction) -> ImageInput | None:
    """Return the preprocessing of an image that can be shown; None for tables, texts, and models that decode files."""
    signature = get_image_part(prediction.model_version.parsed_signature.input)
    return signature if prediction.input.has_image and signature and not signature.encoding else None
