"""The conclusion of a replay: whether a version is better than the baseline, in sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formatting import format_count, format_number, format_percent, localize_number
from evaluation.headline import SMALL_SAMPLE_ROWS
from evaluation.models import Replay
from evaluation.replay_results import SIGNIFICANT_P, LabelComparison, ReplayComparison, ValueComparison

MIN_P = 0.001
# Even if one version is closer on all of fewer inputs, that can be chance: p = 2 / 2**5 = 0.06 in the sign test.
MIN_DIFFERENT_ERRORS = 6


class Conclusion(NamedTuple):
    """The result of a replay: `better`, `worse`, `unclear`, `same`, or `none`, as a title and sentences.

    Args:
        note: why the result is not certain, or an empty string.
    """

    kind: str
    title: str
    text: str
    note: str = ""


def conclude(replay: Replay, comparison: ReplayComparison) -> Conclusion:
    """Return whether the version is better than the baseline."""
    if not comparison.n:
        if comparison.failed:
            return Conclusion("none", _("No input could be compared."), _("The errors are listed below."))
        text = _("Review predictions of this model first.")
        if not replay.covers_all:
            text = _(
                "None of your own predictions of this model has a review. With the permission to view all predictions, the "
                "reviewed inputs of all users are compared."
            )
        return Conclusion("none", _("There is nothing to compare yet."), text)
    numbers = {"number": replay.model_version.number, "other": replay.baseline.number}
    if comparison.is_regression:
        kind, text = conclude_values(comparison.values, numbers, replay.model_version.parsed_signature.output.unit)
    else:
        kind, text = _conclude_labels(comparison.labels, numbers)
    return Conclusion(kind, _get_title(kind) % numbers, text, _describe_size(replay, comparison))


def is_small(replay: Replay, comparison: ReplayComparison) -> bool:
    """Return whether a replay has compared so few inputs that more reviews are needed."""
    return replay.status == Replay.Status.SUCCEEDED and comparison.n < SMALL_SAMPLE_ROWS


def describe_sample(replay: Replay, comparison: ReplayComparison) -> str:
    """Return how the reviewed inputs were selected."""
    if not replay.done_items:
        return ""
    if comparison.random_count == replay.done_items:
        if replay.picked_by:  # other inputs may have been reviewed before they could be sampled
            return _("All inputs are from the random sample.")
        return _("All inputs are from the random sample: the results are unbiased estimates.")
    if not comparison.random_count:
        return _("No input is from the random sample, so the results can be biased.")
    text = ngettext(
        "%(random)s of the %(total)s inputs is from the random sample. The others were selected in another way, such as by "
        "low confidence, so the results can be biased.",
        "%(random)s of the %(total)s inputs are from the random sample. The others were selected in another way, such as by "
        "low confidence, so the results can be biased.",
        comparison.random_count,
    )
    return text % {"random": format_count(comparison.random_count), "total": format_count(replay.done_items)}


def describe_test(comparison: ReplayComparison) -> str:
    """Return the result of the significance test, or why it is not computed."""
    if comparison.is_regression:
        if comparison.values.p is None:
            return _("The sign test is not computed, because both versions are equally close on each input.")
        return _("Sign test of which version is closer: %(p)s.") % {"p": format_p(comparison.values.p)}
    if comparison.labels.p is None:
        return _("McNemar's test is not computed, because no input is predicted correctly by only one version.")
    return _("McNemar's exact test: %(p)s.") % {"p": format_p(comparison.labels.p)}


def format_p(p: float) -> str:
    """Return a p-value as `p = 0.03` or `p < 0.001`."""
    return localize_number(f"p < {MIN_P}" if p < MIN_P else f"p = {p:.2g}")


def _get_title(kind: str) -> str:
    return {
        "better": _("Yes, version %(number)s is better than version %(other)s."),
        "worse": _("No, version %(number)s is worse than version %(other)s."),
        "same": _("Version %(number)s is neither better nor worse than version %(other)s on these inputs."),
        "unclear": _("It is not clear whether version %(number)s is better than version %(other)s."),
    }[kind]


def _conclude_labels(labels: LabelComparison, numbers: dict[str, int]) -> tuple[str, str]:
    values = numbers | {
        "n": format_count(labels.n),
        "right": format_count(labels.right + labels.fixed),
        "accuracy": format_percent(labels.accuracy.value),
        "other_right": format_count(labels.right + labels.broken),
        "other_accuracy": format_percent(labels.baseline_accuracy.value),
        "fixed": format_count(labels.fixed),
        "broken": format_count(labels.broken),
        "p": "" if labels.p is None else format_p(labels.p),
    }
    facts = ngettext(
        "Version %(number)s predicts %(right)s of %(n)s reviewed input correctly (%(accuracy)s), and version %(other)s "
        "predicts %(other_right)s (%(other_accuracy)s).",
        "Version %(number)s predicts %(right)s of %(n)s reviewed inputs correctly (%(accuracy)s), and version %(other)s "
        "predicts %(other_right)s (%(other_accuracy)s).",
        labels.n,
    )
    difference = _describe_difference(labels.n - labels.same)
    if labels.p is None:
        return "same", f"{facts % values} {difference}"
    if labels.fixed == labels.broken:
        kind, reason = "unclear", _("Version %(number)s fixes %(fixed)s and breaks %(broken)s: both are equally accurate.")
    elif labels.p >= SIGNIFICANT_P:
        kind = "unclear"
        reason = _("Version %(number)s fixes %(fixed)s and breaks %(broken)s: this can be chance (McNemar, %(p)s).")
    else:
        kind = "better" if labels.fixed > labels.broken else "worse"
        reason = _(
            "Version %(number)s fixes %(fixed)s and breaks %(broken)s: this is unlikely to be chance (McNemar, %(p)s)."
        )
    return kind, f"{facts % values} {difference} {reason % values}"


def conclude_values(values: ValueComparison, numbers: dict[str, int], unit: str) -> tuple[str, str]:
    """Return the kind of the conclusion of a regression, and its text.

    Args:
        numbers: those of the versions, as `number` and `other`.
        unit: of the values; can be empty.
    """
    texts: dict[str, Any] = numbers | {
        "n": format_count(values.n),
        "mae": f"{format_number(values.mae)} {unit}".strip(),
        "other_mae": f"{format_number(values.baseline_mae)} {unit}".strip(),
        "low": format_number(values.low),
        "high": f"{format_number(values.high)} {unit}".strip(),
        "difference": format_number(values.difference),
    }
    facts = ngettext(
        "On %(n)s reviewed input, the mean absolute error of version %(number)s is %(mae)s, and that of version %(other)s "
        "is %(other_mae)s.",
        "On %(n)s reviewed inputs, the mean absolute error of version %(number)s is %(mae)s, and that of version %(other)s "
        "is %(other_mae)s.",
        values.n,
    )
    text = f"{facts % texts} {_describe_difference(values.n - values.same)}"
    if values.p is None:
        return "same", text
    if values.low is None or values.high is None:
        return "unclear", text
    reason = _("The difference between the errors is %(difference)s (95%% interval: %(low)s to %(high)s).") % texts
    if values.low <= 0 <= values.high or values.closer + values.farther < MIN_DIFFERENT_ERRORS:
        return "unclear", f"{text} {reason}"
    return "better" if values.high < 0 else "worse", f"{text} {reason}"


def _describe_difference(count: int) -> str:
    """Return for how many inputs the predictions of the versions differ."""
    if not count:
        return _("Both make the same predictions.")
    text = ngettext("Their predictions differ for %(count)s input.", "Their predictions differ for %(count)s inputs.", count)
    return text % {"count": format_count(count)}


def _describe_size(replay: Replay, comparison: ReplayComparison) -> str:
    """Return a note if only few or not all inputs have been compared, or an empty string."""
    values = {"n": format_count(comparison.n), "total": format_count(replay.total_items or 0)}
    if replay.status != Replay.Status.SUCCEEDED:
        text = ngettext(
            "Only %(n)s of %(total)s inputs was compared.", "Only %(n)s of %(total)s inputs were compared.", comparison.n
        )
        return text % values
    if not is_small(replay, comparison):
        return ""
    text = ngettext(
        "Only %(n)s input was compared. Review more to be sure.",
        "Only %(n)s inputs were compared. Review more to be sure.",
        comparison.n,
    )
    return text % values
