"""The headline metric of an evaluation: one metric, and the predictions that it is computed from."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formatting import format_count, format_number, format_percent
from evaluation.statistics import compute_mean_margin
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
        return _build_error_headline(evaluation, picked_by, is_biased=is_biased, unit=unit)
    name = _("Subset accuracy") if evaluation.multi_label else _("Accuracy")
    share, note = _choose_share(evaluation, picked_by, is_biased=is_biased)
    if not share.n:
        return Headline("–", name, _("No prediction is reviewed as correct or incorrect yet."), "")
    text = ngettext(
        "Of %(n)s reviewed prediction. 95%% confidence interval: %(low)s to %(high)s.",
        "Of %(n)s reviewed predictions. 95%% confidence interval: %(low)s to %(high)s.",
        share.n,
    )
    values = {"n": format_count(share.n), "low": format_percent(share.low), "high": format_percent(share.high)}
    return Headline(format_percent(share.value), name, text % values, note, share.n < SMALL_SAMPLE_ROWS)


def _choose_share(evaluation: Evaluation, picked_by: str, *, is_biased: bool) -> tuple[Share, str]:
    if not picked_by and evaluation.random.n:
        return evaluation.random, _describe_sample(Review.PickedBy.RANDOM, is_biased=is_biased)
    return evaluation.accuracy, _describe_sample(picked_by, is_biased=is_biased)


def _describe_sample(picked_by: str, *, is_biased: bool) -> str:
    """Return whether the metric of a sample is an unbiased estimate."""
    if not picked_by:
        return _("All reviewed predictions: not a random sample, so it may be biased")
    if picked_by != Review.PickedBy.RANDOM:
        return _("Not a random sample: this sample may be biased")
    if is_biased:
        return _("Random sample of the remaining predictions: this sample may be biased")
    return _("Random sample: unbiased estimate")


def _build_error_headline(evaluation: Evaluation, picked_by: str, *, is_biased: bool, unit: str) -> Headline:
    errors, name = evaluation.regression, _("Mean absolute error")
    if not errors or errors.mae is None or errors.rmse is None:
        return Headline("–", name, _("No reviewed prediction has a true value yet."), "")
    text, has_interval = _describe_error_interval(errors.n, errors.mae, errors.rmse, unit)
    note = _describe_sample(picked_by, is_biased=is_biased)
    value = f"{format_number(errors.mae)} {unit}".strip()
    return Headline(value, name, text, note, has_interval and errors.n < SMALL_SAMPLE_ROWS)


def _describe_error_interval(n: int, mae: float, rmse: float, unit: str) -> tuple[str, bool]:
    """Return the number of predictions and the interval of their mean absolute error, and whether there is an interval."""
    # The sample variance of the absolute errors: their mean square minus their squared mean, times n / (n - 1).
    variance = max(0.0, rmse**2 - mae**2) * n / max(1, n - 1)
    margin = compute_mean_margin(variance, n)
    if margin is None:
        return _("Of one prediction with a known true value. A confidence interval needs at least two."), False
    text = ngettext(
        "Of %(n)s prediction with a known true value. 95%% confidence interval: %(low)s to %(high)s.",
        "Of %(n)s predictions with a known true value. 95%% confidence interval: %(low)s to %(high)s.",
        n,
    )
    values = {
        "n": format_count(n),
        "low": format_number(max(0.0, mae - margin)),
        "high": f"{format_number(mae + margin)} {unit}".strip(),
    }
    return text % values, True
