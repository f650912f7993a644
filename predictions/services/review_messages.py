"""Texts of errors in reviews."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictions.models import Prediction

MAX_LISTED_LABELS = 20  # labels in an error message
# By the field, and whether the true output agrees with the prediction.
CONTRADICTIONS = {
    ("true_label", True): _(
        'The verdict is "%(verdict)s", but the true label is the same as the prediction, %(predicted)s.'
    ),
    ("true_label", False): _('The verdict is "%(verdict)s", but the true label differs from the prediction, %(predicted)s.'),
    ("true_labels", True): _(
        'The verdict is "%(verdict)s", but the list of true labels is the same as the prediction, %(predicted)s.'
    ),
    ("true_labels", False): _(
        'The verdict is "%(verdict)s", but the list of true labels differs from the prediction, %(predicted)s.'
    ),
    ("true_value", True): _(
        'The verdict is "%(verdict)s", but the true value is the same as the prediction, %(predicted)s.'
    ),
    ("true_value", False): _('The verdict is "%(verdict)s", but the true value differs from the prediction, %(predicted)s.'),
}


def describe_contradiction(verdict: str, *, agrees: bool, field: str, predicted: str) -> str:
    """Return that a verdict contradicts the true output in a field."""
    return str(CONTRADICTIONS[field, agrees]) % {"verdict": verdict, "predicted": predicted}


def format_label_choices(labels: list[str]) -> str:
    """Return labels separated by commas. After the first `MAX_LISTED_LABELS`, only their number is given."""
    shown = ", ".join(labels[:MAX_LISTED_LABELS])
    if len(labels) <= MAX_LISTED_LABELS:
        return shown
    return gettext("%(labels)s … (%(count)s in total)") % {"labels": shown, "count": len(labels)}


def describe_not_reviewable(prediction: Prediction) -> str:
    """Return why a prediction cannot be reviewed."""
    if prediction.is_erased:
        return gettext("The data of this prediction was removed. It can no longer be reviewed.")
    text = gettext("Only succeeded predictions can be reviewed. The status of this one is %(status)s.")
    return text % {"status": prediction.status}
