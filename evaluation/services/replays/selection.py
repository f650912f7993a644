"""Select the reviewed inputs of a replay, with their true outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

from core.sql import execute_query
from evaluation.models import Replay, ReplayResult
from evaluation.replay_results import get_review_kind
from predictions.models import Prediction, Review
from predictions.models.summaries import PICKED_BY_BITS
from predictions.summary_sql import build_summaries
from registry.models import ModelVersion

MAX_REPLAY_INPUTS = 5000
MAX_READ_SUMMARIES = 2 * MAX_REPLAY_INPUTS  # an input that was submitted several times counts once
ROWS_PER_QUERY = 500
# The newest first.
SELECT_REVIEWED = """
SELECT prediction_id, model_version_id, label, value, true_label, true_value, verdict, picked_by FROM summaries
WHERE (%s = 0 OR (picked_by & %s) <> 0) AND {condition} ORDER BY created_at DESC, prediction_id DESC LIMIT %s
"""
CONDITIONS = {
    "value": "true_value IS NOT NULL",
    "label": "(true_label <> '' OR verdict = 'correct')",
    "labels": "(true_label <> '' OR verdict = 'correct')",
}


class ReviewedPrediction(NamedTuple):
    """A row of SELECT_REVIEWED."""

    prediction: UUID
    version: UUID
    label: str
    value: float | None
    true_label: str
    true_value: float | None
    verdict: str
    picked_by: int


def select_results(replay: Replay) -> list[ReplayResult]:
    """Return the unsaved results of a replay: the newest reviewed inputs of all versions of the model.

    The output of a version that made the reviewed prediction itself is that of the prediction.
    """
    if not replay.covers_all and replay.user is None:
        return []
    kind = get_review_kind(replay.model_version)
    versions = ModelVersion.objects.filter(model=replay.model_version.model_id).values_list("pk", flat=True)
    sql, parameters = build_summaries(reader=None if replay.covers_all else replay.user, model_version__in=list(versions))
    bit = PICKED_BY_BITS[replay.picked_by] if replay.picked_by else 0
    statement = sql + SELECT_REVIEWED.format(condition=CONDITIONS[kind])
    rows = [
        ReviewedPrediction(UUID(str(row[0])), UUID(str(row[1])), *row[2:])
        for row in execute_query(statement, [*parameters, bit, bit, MAX_READ_SUMMARIES])
    ]
    numbers = count(1)
    return [_build_result(replay, kind, next(numbers), row) for row in list(_iterate_inputs(rows))[:MAX_REPLAY_INPUTS]]


def sort_labels(labels: Iterable[str]) -> str:
    """Return a list of labels as JSON in alphabetical order: equal lists are equal texts."""
    return json.dumps(sorted(labels), ensure_ascii=False)


def _iterate_inputs(rows: list[ReviewedPrediction]) -> Iterator[ReviewedPrediction]:
    """Yield the first row of each input whose data is stored. Inputs with the same bytes are the same input."""
    seen: set[str] = set()
    for start in range(0, len(rows), ROWS_PER_QUERY):
        batch = rows[start : start + ROWS_PER_QUERY]
        predictions = Prediction.objects.filter(pk__in=[row.prediction for row in batch], input__data_removed_at=None)
        hashes = dict(predictions.values_list("pk", "input__sha256"))
        for row in batch:
            sha256 = hashes.get(row.prediction)
            if sha256 and sha256 not in seen:
                seen.add(sha256)
                yield row


def _build_result(replay: Replay, kind: str, number: int, row: ReviewedPrediction) -> ReplayResult:
    result = ReplayResult(
        replay=replay,
        number=number,
        prediction_id=row.prediction,
        is_random=bool(row.picked_by & PICKED_BY_BITS[Review.PickedBy.RANDOM]),
    )
    if kind == "value":
        result.true_value = row.true_value
    else:
        result.true_label = _normalize(row.true_label or row.label, kind)
    known: dict[str, Any] = {"value": row.value} if kind == "value" else {"label": _normalize(row.label, kind)}
    for name, value in known.items():
        if row.version == replay.model_version_id:
            setattr(result, name, value)
        if row.version == replay.baseline_id:
            setattr(result, f"baseline_{name}", value)
    return result


def _normalize(label: str, kind: str) -> str:
    return sort_labels(json.loads(label)) if kind == "labels" else label
