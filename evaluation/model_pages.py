"""What this app adds to the pages about models. See `MODEL_PAGE_HOOKS` in the settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Subquery

from accounts.models import User
from core.sql import execute_query
from evaluation.models import Replay
from evaluation.permissions import can_start_replay
from evaluation.replay_conclusion import Conclusion, conclude
from evaluation.replay_results import compare_results, get_review_kind
from evaluation.statistics import compute_wilson_interval
from evaluation.types import Share
from predictions.models import Review, ReviewSummary
from predictions.models.summaries import PICKED_BY_BITS
from predictions.summary_sql import build_summaries
from registry.models import ModelVersion

MAX_SUMMARIES_PER_VERSION = 10_000  # the newest reviewed predictions count
MAX_SHOWN_REPLAYS = 5
# The random sample counts if there is one, as on the evaluation page.
COUNT_CORRECT = f"""
SELECT model_version_id,
       COUNT(CASE WHEN verdict <> '' THEN 1 END), COUNT(CASE WHEN verdict = 'correct' THEN 1 END),
       COUNT(CASE WHEN verdict <> '' AND (picked_by & {PICKED_BY_BITS[Review.PickedBy.RANDOM]}) <> 0 THEN 1 END),
       COUNT(CASE WHEN verdict = 'correct' AND (picked_by & {PICKED_BY_BITS[Review.PickedBy.RANDOM]}) <> 0 THEN 1 END),
       COUNT(value - true_value), AVG(ABS(value - true_value))
FROM summaries GROUP BY model_version_id
"""  # noqa: S608  the numbers are constants of this project


class MeasuredMetric(NamedTuple):
    """The accuracy of a version or, for regression, its mean absolute error over `n` reviewed predictions."""

    accuracy: Share | None = None
    mae: float | None = None
    n: int = 0
    unit: str = ""
    is_random: bool = False


class ListedReplay(NamedTuple):
    replay: Replay
    conclusion: Conclusion


def measure_versions(versions: Iterable[ModelVersion], *, reader: User) -> dict[UUID, MeasuredMetric]:
    """Return the metric of each version that has reviewed predictions, by primary key.

    Of a version with many reviewed predictions, the newest ones count.
    """
    by_key = {version.pk: version for version in versions}
    starts = _find_starts(by_key, reader)
    groups: list[dict[str, Any]] = [{"model_version__in": [pk for pk in by_key if pk not in starts]}]
    groups += [{"model_version": pk, "created_at__gte": start} for pk, start in starts.items()]
    metrics = {}
    for filters in groups:
        if filters.get("model_version__in") == []:
            continue
        sql, parameters = build_summaries(reader=reader, **filters)
        for row in execute_query(sql + COUNT_CORRECT, parameters):
            version = by_key[UUID(str(row[0]))]
            metrics[version.pk] = _build_metric(version, row[1:])
    return metrics


def _find_starts(versions: Collection[UUID], reader: User) -> dict[UUID, datetime]:
    """Return the time of the oldest reviewed prediction that counts, for versions of which not all count."""
    rows = ReviewSummary.objects.visible_to(reader).filter(model_version=OuterRef("pk")).order_by("-created_at")
    oldest = rows.values("created_at")[MAX_SUMMARIES_PER_VERSION : MAX_SUMMARIES_PER_VERSION + 1]
    starts = ModelVersion.objects.filter(pk__in=versions).order_by().annotate(start=Subquery(oldest))
    return {pk: start for pk, start in starts.values_list("pk", "start") if start}


def _build_metric(version: ModelVersion, row: Sequence[Any]) -> MeasuredMetric:
    n, correct, random, random_correct, values, mae = row
    if get_review_kind(version) == "value":
        return MeasuredMetric(mae=mae, n=values, unit=version.parsed_signature.output.unit)
    if random:
        return MeasuredMetric(compute_wilson_interval(random_correct, random), n=random, is_random=True)
    return MeasuredMetric(compute_wilson_interval(correct, n), n=n)


def get_page_context(versions: Sequence[ModelVersion], production: ModelVersion | None, *, reader: User) -> dict[str, Any]:
    """Return what the page of a model shows: the measured metrics of its versions, and its newest replays.

    Args:
        versions: those that the page lists, the newest first.
    """
    candidates = [version for version in versions if production and version != production]
    context: dict[str, Any] = {
        "measured": measure_versions(versions, reader=reader),
        "can_start_replay": can_start_replay(reader) and len(versions) > 1,
        "candidate": next((version for version in candidates if production and version.number > production.number), None),
    }
    if versions:
        rows = Replay.objects.visible_to(reader).filter(model_version__in=[version.pk for version in versions])
        rows = rows.select_related("model_version__model", "baseline__model").order_by("-id")
        context["replays"] = list(_iterate_replays(rows[:MAX_SHOWN_REPLAYS]))
        results = (item for item in context["replays"] if item.replay.status == Replay.Status.SUCCEEDED)
        pairs = ((item, (item.replay.model_version, item.replay.baseline)) for item in results)
        context["candidate_result"] = next(
            (item for item, pair in pairs if pair == (context["candidate"], production)), None
        )
    return context


def _iterate_replays(replays: Iterable[Replay]) -> Iterator[ListedReplay]:
    for replay in replays:
        yield ListedReplay(replay, conclude(replay, compare_results(replay, max_cases=0)))
