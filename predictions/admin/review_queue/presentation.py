"""The label buttons and the messages of the review queue."""

from __future__ import annotations

from typing import Any, NamedTuple

from predictions.models import Prediction, Review
from predictions.presentation import format_output, format_true_output, get_label_choices

LABEL_KEYS = "123456789"
DIGIT_LABELS = {"0", *LABEL_KEYS}
MAX_LABEL_BUTTONS = 10  # labels with a button; the others are in a select field


class LabelButton(NamedTuple):
    """A label to choose, its score, and the key that chooses it (empty if there is none)."""

    label: str
    score: float | None
    key: str


def get_item_context(prediction: Prediction) -> dict[str, Any]:
    """Return the template context of one item: the prediction, its label buttons, and the labels without a button.

    For a multi-label prediction: its check boxes with their keys, and the labels without a check box.
    """
    if prediction.predicted_labels is not None:
        choices = get_label_choices(prediction)
        keys = [*LABEL_KEYS, *[""] * len(choices.boxes)]
        return {
            "prediction": prediction,
            "label_boxes": list(zip(choices.boxes, keys, strict=False)),
            "more": choices.others,
        }
    buttons = get_label_buttons(prediction)
    with_button = {button.label for button in buttons}
    labels = prediction.model_version.labels if prediction.label else []
    other_labels = [label for label in labels if label not in with_button]
    return {"prediction": prediction, "label_buttons": buttons, "other_labels": other_labels}


def get_label_buttons(prediction: Prediction) -> list[LabelButton]:
    """Return the label buttons of a prediction; none if its output is not a label.

    Up to ten labels keep the order of the model version, so that a label always has the same key. If there are more, the
    labels with the highest scores have buttons. If all labels are digits, each label is its own key.
    """
    if not prediction.label:
        return []
    all_labels: list[str] = prediction.model_version.labels
    labels = all_labels
    if len(all_labels) > MAX_LABEL_BUTTONS:
        labels = [label for label, _ in prediction.ranked_scores[: len(LABEL_KEYS)]] or [prediction.label]
    keys = labels if set(all_labels) <= DIGIT_LABELS else [*LABEL_KEYS, *[""] * len(labels)]
    scores = (prediction.output or {}).get("scores", {})
    return [LabelButton(label, scores.get(label), key) for label, key in zip(labels, keys, strict=False)]


def format_saved_message(prediction: Prediction, review: Review) -> str:
    """Return the message for a stored review, such as "Saved: corrected from 1 to 8."."""
    output, true_output = format_output(prediction), format_true_output(review)
    if review.verdict == Review.Verdict.INCORRECT and true_output:
        return f"Saved: corrected from {output} to {true_output}."
    return f"Saved: {output} marked {review.verdict}."
