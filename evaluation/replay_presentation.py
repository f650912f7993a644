"""The page of a replay: its conclusion in one sentence, and the cases in which the versions differ."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from django.db.models import Case, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.permissions import can_view_all
from core.formatting import format_count, format_number, format_percent, localize_number
from evaluation.models import Replay, ReplayResult
from evaluation.replay_results import CASES, SIGNIFICANT_P, ReplayComparison, compare_results, get_review_kind
from predictions.models import Prediction
from predictions.presentation import format_labels

MAX_LISTED_CASES = 12  # of each kind on the page of a replay
CASES_PER_PAGE = 48
MIN_P = 0.001
FAILED = "failed"


class Conclusion(NamedTuple):
    """The result of a replay: `better`, `worse`, `unclear`, `same`, or `none`, as a title and a sentence."""

    kind: str
    title: str
    text: str


class ReplayCase(NamedTuple):
    """One input: its true output, and those of both versions."""

    number: int
    prediction: Prediction
    true: str
    output: str
    baseline_output: str
    is_correct: bool | None
    baseline_is_correct: bool | None
    error: str


class CaseList(NamedTuple):
    """Cases of one kind, the number of all of them, and where the next page starts; None on the last one."""

    kind: str
    title: str
    count: int  # type: ignore[assignment]  # hides the method of tuples
    rows: list[ReplayCase]
    next_number: int | None = None


def get_replay_context(replay: Replay, *, reader: User, kind: str = "", after: int = 0) -> dict[str, Any]:
    """Return the template context of the page.

    Args:
        kind: list all cases of this kind, a key of CASES or `failed`; empty for the first ones of each kind.
        after: the number of the last input on the page before.
    """
    comparison = compare_results(replay, max_cases=MAX_LISTED_CASES)
    context = {
        "comparison": comparison,
        "conclusion": conclude(replay, comparison),
        "sample": describe_sample(replay, comparison),
        "unit": replay.model_version.parsed_signature.output.unit,
        "is_multi_label": get_review_kind(replay.model_version) == "labels",
        "p_text": format_p(comparison.values.p if comparison.is_regression else comparison.labels.p),
    }
    titles = get_case_titles(replay)
    if kind in titles:
        return {**context, "kind": kind, "case_lists": [_list_cases(replay, kind, reader=reader, after=after)]}
    if comparison.is_regression:
        lists = [
            CaseList("", title, len(ids), _read_cases(replay, _get_results(reader, replay).filter(pk__in=ids), ids))
            for title, ids in (
                (_("Largest improvements"), comparison.improved),
                (_("Largest deteriorations"), comparison.worsened),
            )
        ]
    else:
        counts = {"fixed": comparison.labels.fixed, "broken": comparison.labels.broken, "wrong": comparison.labels.wrong}
        lists = [_list_first_cases(replay, name, count, reader=reader) for name, count in counts.items()]
    if comparison.failed:
        lists.append(_list_first_cases(replay, FAILED, comparison.failed, reader=reader))
    return {**context, "case_lists": lists}


def get_case_titles(replay: Replay) -> dict[str, str]:
    """Return the titles of the lists of cases."""
    number = {"number": replay.model_version.number, "other": replay.baseline.number}
    return {
        "fixed": _("Fixed by version %(number)s") % number,
        "broken": _("Broken by version %(number)s") % number,
        "wrong": _("Both versions incorrect"),
        "right": _("Both versions correct"),
        FAILED: _("Not compared"),
    }


def conclude(replay: Replay, comparison: ReplayComparison) -> Conclusion:
    """Return whether the version is better than the baseline, as a sentence."""
    numbers = {"number": replay.model_version.number, "other": replay.baseline.number}
    if not comparison.n:
        return Conclusion("none", _("There is nothing to compare yet."), _("Review predictions of this model first."))
    if comparison.is_regression:
        return _conclude_values(comparison, numbers, replay.model_version.parsed_signature.output.unit)
    labels = comparison.labels
    values = numbers | {
        "accuracy": format_percent(labels.accuracy.value),
        "other_accuracy": format_percent(labels.baseline_accuracy.value),
        "n": format_count(labels.n),
        "p": format_p(labels.p),
        "fixed": format_count(labels.fixed),
        "broken": format_count(labels.broken),
    }
    facts = ngettext(
        "It predicts %(accuracy)s of %(n)s reviewed input correctly, version %(other)s %(other_accuracy)s.",
        "It predicts %(accuracy)s of %(n)s reviewed inputs correctly, version %(other)s %(other_accuracy)s.",
        labels.n,
    )
    if labels.p is None:
        title = _("Version %(number)s is neither better nor worse than version %(other)s.")
        text = _("Both versions predict the same %(n)s reviewed inputs correctly: %(accuracy)s.")
        return Conclusion("same", title % numbers, text % values)
    if labels.p >= SIGNIFICANT_P:
        reason = _("It fixes %(fixed)s and breaks %(broken)s: the difference can be chance (McNemar, %(p)s).")
        return Conclusion("unclear", _get_unclear_title() % numbers, f"{facts} {reason}" % values)
    reason = _("It fixes %(fixed)s and breaks %(broken)s: chance is an unlikely cause of the difference (McNemar, %(p)s).")
    return _build_significant(labels.fixed > labels.broken, numbers, f"{facts} {reason}" % values)


def _conclude_values(comparison: ReplayComparison, numbers: dict[str, int], unit: str) -> Conclusion:
    values = comparison.values
    texts = numbers | {
        "n": format_count(values.n),
        "mae": f"{format_number(values.mae)} {unit}".strip(),
        "other_mae": f"{format_number(values.baseline_mae)} {unit}".strip(),
        "low": format_number(values.low),
        "high": f"{format_number(values.high)} {unit}".strip(),
        "difference": format_number(values.difference),
    }
    facts = ngettext(
        "Its mean absolute error on %(n)s reviewed input is %(mae)s, that of version %(other)s is %(other_mae)s.",
        "Its mean absolute error on %(n)s reviewed inputs is %(mae)s, that of version %(other)s is %(other_mae)s.",
        values.n,
    )
    if values.low is None or values.high is None:
        return Conclusion("unclear", _get_unclear_title() % numbers, facts % texts)
    if values.low == values.high == 0:
        title = _("Version %(number)s is neither better nor worse than version %(other)s.")
        return Conclusion("same", title % numbers, facts % texts)
    reason = _("The difference is %(difference)s (95%% interval: %(low)s to %(high)s).")
    text = f"{facts} {reason}" % texts
    if values.low <= 0 <= values.high:
        return Conclusion("unclear", _get_unclear_title() % numbers, text)
    return _build_significant(values.high < 0, numbers, text)


def _get_unclear_title() -> str:
    return _("It is not clear whether version %(number)s is better than version %(other)s.")


def _build_significant(is_better: bool, numbers: dict[str, int], text: str) -> Conclusion:
    if is_better:
        return Conclusion("better", _("Yes, version %(number)s is better than version %(other)s.") % numbers, text)
    return Conclusion("worse", _("No, version %(number)s is worse than version %(other)s.") % numbers, text)


def describe_sample(replay: Replay, comparison: ReplayComparison) -> str:
    """Return how the reviewed inputs were selected."""
    total = replay.total_items or 0
    if not total:
        return ""
    if comparison.random_count == replay.done_items:
        return _("All inputs are from the random sample: the accuracies are unbiased estimates.")
    return _(
        "%(random)s of the %(total)s inputs are from the random sample. The others were selected in another way, such as by "
        "low confidence, so the accuracies can be biased. Both versions ran on the same inputs."
    ) % {"random": format_count(comparison.random_count), "total": format_count(replay.done_items)}


def format_p(p: float | None) -> str:
    """Return a p-value as `p = 0.03` or `p < 0.001`; a dash without one."""
    if p is None:
        return "–"
    return localize_number(f"p < {MIN_P}" if p < MIN_P else f"p = {p:.2g}")


def _get_results(reader: User, replay: Replay) -> Any:
    """Return the processed results whose predictions the reader can still see."""
    rows = ReplayResult.objects.filter(replay=replay, is_done=True)
    return rows if can_view_all(reader) else rows.filter(prediction__user=reader)


def _filter_kind(rows: Any, kind: str) -> Any:
    return rows.exclude(error_code="") if kind == FAILED else rows.filter(error_code="", **CASES[kind])


def _list_first_cases(replay: Replay, kind: str, count: int, *, reader: User) -> CaseList:
    rows = _filter_kind(_get_results(reader, replay), kind).order_by("number")[:MAX_LISTED_CASES] if count else []
    return CaseList(kind, get_case_titles(replay)[kind], count, _read_cases(replay, rows))


def _list_cases(replay: Replay, kind: str, *, reader: User, after: int) -> CaseList:
    rows = _filter_kind(_get_results(reader, replay), kind)
    page = _read_cases(replay, rows.filter(number__gt=after).order_by("number")[: CASES_PER_PAGE + 1])
    next_number = page[CASES_PER_PAGE - 1].number if len(page) > CASES_PER_PAGE else None
    return CaseList(kind, get_case_titles(replay)[kind], rows.count(), page[:CASES_PER_PAGE], next_number)


def _read_cases(replay: Replay, rows: Any, ids: list[int] | None = None) -> list[ReplayCase]:
    """Return the cases of results, in the order of `ids` if they are given."""
    if not rows:
        return []
    if ids:
        rows = rows.order_by(Case(*(When(pk=pk, then=position) for position, pk in enumerate(ids))))
    kind = get_review_kind(replay.model_version)
    return [
        ReplayCase(
            row.number,
            row.prediction,
            _format_output(kind, row.true_label, row.true_value),
            _format_output(kind, row.label, row.value),
            _format_output(kind, row.baseline_label, row.baseline_value),
            row.is_correct,
            row.baseline_is_correct,
            row.error_message,
        )
        for row in rows.select_related("prediction__input", "prediction__model_version__model")
    ]


def _format_output(kind: str, label: str, value: float | None) -> str:
    if kind == "value":
        return format_number(value)
    if kind == "labels":
        return format_labels(json.loads(label)) if label else "–"
    return label or "–"
