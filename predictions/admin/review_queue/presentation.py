"""The label buttons, the messages, and the names of lists of the review queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.formatting import format_datetime, format_short_percent
from predictions.admin.review_queue.forms import get_filters
from predictions.filters import PredictionFilter
from predictions.models import Prediction, Review
from predictions.presentation import (
    MAX_CHECKBOX_LABELS,
    LabelChoices,
    LabelScore,
    format_output,
    format_true_output,
    get_label_choices,
)

LABEL_KEYS = "123456789"
DIGIT_LABELS = {"0", *LABEL_KEYS}
MAX_LABEL_BUTTONS = 10  # labels with a button; the others are in a select field


class LabelButton(NamedTuple):
    """A label to choose, its score, and the key that chooses it (empty if there is none)."""

    label: str
    score: float | None
    key: str


def get_item_context(prediction: Prediction, *, is_blind: bool = False) -> dict[str, Any]:
    """Return the template context of one item: the prediction, its label buttons, and the labels without a button.

    For a multi-label prediction: its check boxes with their keys, and the labels without a check box.

    Args:
        is_blind: leave out all that depends on the prediction. Output that is neither a label nor a number is shown anyway,
            because nothing else could be chosen.
    """
    is_blind = is_blind and can_hide_prediction(prediction)
    shared = {"prediction": prediction, "is_blind": is_blind}
    if prediction.predicted_labels is not None:
        choices = _get_blind_choices(prediction) if is_blind else get_label_choices(prediction)
        keys = [*LABEL_KEYS, *[""] * len(choices.boxes)]
        return {**shared, "label_boxes": list(zip(choices.boxes, keys, strict=False)), "more": choices.others}
    buttons = get_label_buttons(prediction, is_blind=is_blind)
    with_button = {button.label for button in buttons}
    labels = prediction.model_version.labels if prediction.label else []
    other_labels = [label for label in labels if label not in with_button]
    return {**shared, "label_buttons": buttons, "other_labels": other_labels, "has_label": bool(prediction.label)}


def can_hide_prediction(prediction: Prediction) -> bool:
    """Return whether a reviewer can state the true output without seeing the prediction."""
    return bool(prediction.label) or prediction.value is not None or prediction.predicted_labels is not None


def get_label_buttons(prediction: Prediction, *, is_blind: bool = False) -> list[LabelButton]:
    """Return the label buttons of a prediction; none if its output is not a label.

    Up to ten labels keep the order of the model version, so that a label always has the same key. If there are more, the
    labels with the highest scores have buttons; in blind mode, which hides the scores, none has. If all labels are digits,
    each label is its own key.
    """
    if not prediction.label:
        return []
    all_labels: list[str] = prediction.model_version.labels
    labels = all_labels
    if len(all_labels) > MAX_LABEL_BUTTONS:
        if is_blind:
            return []
        labels = [label for label, _score in prediction.ranked_scores[: len(LABEL_KEYS)]] or [prediction.label]
    keys = labels if set(all_labels) <= DIGIT_LABELS else [*LABEL_KEYS, *[""] * len(labels)]
    scores = {} if is_blind else (prediction.output or {}).get("scores", {})
    return [LabelButton(label, scores.get(label), key) for label, key in zip(labels, keys, strict=False)]


def format_saved_message(prediction: Prediction, review: Review) -> str:
    """Return the message for a stored review, such as "Saved: corrected from 1 to 8.".

    A blind reviewer sees the prediction when they have decided, but not when they are unsure.
    """
    if review.is_blind and review.verdict == Review.Verdict.UNSURE:
        return _("Saved: marked unsure.")
    output, true_output = format_output(prediction), format_true_output(review)
    if review.verdict == Review.Verdict.INCORRECT and true_output:
        return _("Saved: corrected from %(output)s to %(true_output)s.") % {"output": output, "true_output": true_output}
    messages = {
        Review.Verdict.CORRECT: _("Saved: “%(output)s” marked correct."),
        Review.Verdict.INCORRECT: _("Saved: “%(output)s” marked incorrect."),
        Review.Verdict.UNSURE: _("Saved: “%(output)s” marked unsure."),
    }
    return messages[Review.Verdict(review.verdict)] % {"output": output}


def _get_blind_choices(prediction: Prediction) -> LabelChoices:
    """Return the labels in the order of the version, none of them checked."""
    labels: list[str] = prediction.model_version.labels
    boxes = [LabelScore(label, None, is_predicted=False) for label in labels[:MAX_CHECKBOX_LABELS]]
    return LabelChoices(boxes, labels[MAX_CHECKBOX_LABELS:])


def describe_list(query: str) -> str:
    """Return the filters of an assigned list in words, such as `Label: 7 · Tag: blurred`."""
    texts = []
    for name, values in get_filters(QueryDict(query)).lists():
        if name in PredictionFilter.base_filters:
            label = PredictionFilter.base_filters[name].label
            texts += [f"{label}: {_format_filter_value(name, value)}" for value in values]
    return " · ".join(texts)


def _format_filter_value(name: str, value: str) -> str:
    try:
        if name.endswith("_confidence"):
            return format_short_percent(float(value))
        if name.startswith("created_"):
            return format_datetime(datetime.fromisoformat(value))
    except ValueError:
        return value
    choices = dict(PredictionFilter.base_filters[name].extra.get("choices", ()))
    return str(choices.get(value, value))
