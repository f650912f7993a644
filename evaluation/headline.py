"""The headline metric of an evaluation: one metric, and the predictions that it is computed from."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formatting import format_count, format_number, format_percent
from evaluation.statistics import Z_95
from evaluation.types import Evaluation, Share
from predictions.models import Review

MIN_RANDOM_ROWS = 30  # with fewer, charts show all reviewed predictions
SMALL_SAMPLE_ROWS = 30


class Headline(NamedTuple):
    """A metric as text, and sentences about the predictions that it is computed from."""

    value: str
    name: str
    text: str
    note: str
    is_small: bool = False


def build_headline(evaluation: Evaluation, *, picked_by: str, is_biased: bool, unit: str) -> Headline:
    """Return the accuracy in the random sample, or in all reviewed predictions if there is none; or the error."""
    if evaluation.regression:
        return _build_error_headline(evaluation, picked_by, unit)
    name = _("Subset accuracy") if evaluation.multi_label else _("Accuracy")
    share, note = _choose_share(evaluation, picked_by, is_biased)
    if not share.n:
        return Headline("–", name, _("No prediction is reviewed as correct or incorrect yet."), "")
    text = ngettext(
        "Of %(n)s reviewed prediction. 95%% confidence interval: %(low)s to %(high)s.",
        "Of %(n)s reviewed predictions. 95%% confidence interval: %(low)s to %(high)s.",
        share.n,
    )
    values = {"n": format_count(share.n), "low": format_percent(share.low), "high": format_percent(share.high)}
    return Headline(format_percent(share.value), name, text % values, note, share.n < SMALL_SAMPLE_ROWS)


def _choose_share(evaluation: Evaluation, picked_by: str, is_biased: bool) -> tuple[Share, str]:
    if picked_by == Review.PickedBy.RANDOM:
        return evaluation.accuracy, _("Random sample: unbiased estimate")
    if picked_by:
        return evaluation.accuracy, _("Not a random sample: this sample may be biased")
    if not evaluation.random.n:
        return evaluation.accuracy, _("All reviewed predictions: not a random sample, so it may be biased")
    if is_biased:
        return evaluation.random, _("Random sample of the remaining predictions: this sample may be biased")
    return evaluation.random, _("Random sample: unbiased estimate")


def _build_error_headline(evaluation: Evaluation, picked_by: str, unit: str) -> Headline:
    errors, name = evaluation.regression, _("Mean absolute error")
    if not errors or errors.mae is None or errors.rmse is None:
        return Headline("–", name, _("No reviewed prediction has a true value yet."), "")
    text = ngettext(
        "Of %(n)s prediction with a known true value. 95%% confidence interval: %(low)s to %(high)s.",
        "Of %(n)s predictions with a known true value. 95%% confidence interval: %(low)s to %(high)s.",
        errors.n,
    )
    # The standard error of the mean of the absolute errors; their variance is the mean square minus the squared mean.
    variance = max(0.0, errors.rmse**2 - errors.mae**2)
    margin = Z_95 * sqrt(variance / max(1, errors.n - 1))
    values = {
        "n": format_count(errors.n),
        "low": format_number(max(0.0, errors.mae - margin)),
        "high": f"{format_number(errors.mae + margin)} {unit}".strip(),
    }
    if picked_by == Review.PickedBy.RANDOM:
        note = _("Random sample: unbiased estimate")
    elif picked_by:
        note = _("Not a random sample: this sample may be biased")
    else:
        note = _("All reviewed predictions: not a random sample, so it may be biased")
    value = f"{format_number(errors.mae)} {unit}".strip()
    return Headline(value, name, text % values, note, errors.n < SMALL_SAMPLE_ROWS)
