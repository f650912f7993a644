"""The page of a replay: its conclusion, and the cases in which the versions differ."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from django.db.models import Case, When
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import can_view_all
from core.formatting import format_number
from evaluation.models import Replay, ReplayResult
from evaluation.replay_conclusion import conclude, describe_sample, describe_test, is_small
from evaluation.replay_results import CASES, compare_results, get_review_kind
from predictions.models import Prediction
from predictions.presentation import format_labels
from predictions.stored_errors import translate_stored_error

MAX_LISTED_CASES = 12  # of each kind on the page of a replay
CASES_PER_PAGE = 48
FAILED = "failed"


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
        "error": translate_stored_error(replay.error_message, code=replay.error_code),
        "conclusion": conclude(replay, comparison),
        "sample": describe_sample(replay, comparison),
        "unit": replay.model_version.parsed_signature.output.unit,
        "is_multi_label": get_review_kind(replay.model_version) == "labels",
        "test_text": describe_test(comparison),
        "needs_reviews": is_small(replay, comparison),
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


def _get_results(reader: User, replay: Replay) -> Any:
    """Return the processed results whose predictions the reader can still see."""
    rows = ReplayResult.objects.filter(replay=replay, is_done=True)
    return rows if can_view_all(reader) else rows.filter(prediction__user=reader, prediction__input__user=reader)


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
            _describe_error(row),
        )
        for row in rows.select_related("prediction__input", "prediction__model_version__model")
    ]


def _describe_error(row: ReplayResult) -> str:
    """Return the version and why it has no output for the input; empty if it has one."""
    version, separator, message = row.error_message.partition(": ")
    return f"{version}{separator}{translate_stored_error(message, code=row.error_code)}"


def _format_output(kind: str, label: str, value: float | None) -> str:
    if kind == "value":
        return format_number(value)
    if kind == "labels":
        return format_labels(json.loads(label)) if label else "–"
    return label or "–"
