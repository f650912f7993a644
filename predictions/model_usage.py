"""How often models are used: predictions per day, and the last use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Sum
from django.db.models.functions import TruncDay
from django.utils import timezone

from accounts.models import User
from predictions.models import Prediction, PredictionCount, SummaryProgress
from predictions.usage import DAY, PREDICTIONS, count_usage, round_down_to_day
from registry.models import ModelVersion

USAGE_DAYS = 30
MAX_VERSIONS_PER_QUERY = 100
SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 120, 28  # SVG units, which are pixels


class Sparkline(NamedTuple):
    """The predictions of each of the last `USAGE_DAYS` days (UTC), the last one is today.

    Args:
        path: of the bars, in SVG units.
    """

    counts: list[int]
    path: str

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def maximum(self) -> int:
        return max(self.counts)


def build_sparklines(models: Sequence[UUID], *, reader: User) -> dict[UUID, Sparkline]:
    """Return the succeeded predictions per day of models that a user can see, by primary key of the model.

    Complete days are read from their counts, and only the days after them from predictions.
    """
    first_day = round_down_to_day(timezone.now()) - (USAGE_DAYS - 1) * DAY
    until = SummaryProgress.get_until(PREDICTIONS) or first_day
    rows = PredictionCount.objects.visible_to(reader).filter(
        model_version__model__in=models, day__gte=first_day, day__lt=until
    )
    counts = list(rows.order_by().values_list("model_version__model", "day").annotate(Sum("count")))
    versions = dict(ModelVersion.objects.filter(model__in=models).order_by().values_list("pk", "model"))
    recent = Prediction.objects.countable_by(reader).filter(
        model_version__in=list(versions), status=Prediction.Status.SUCCEEDED, created_at__gte=max(until, first_day)
    )
    by_version = recent.order_by().values_list("model_version", TruncDay("created_at", tzinfo=UTC)).annotate(Count("pk"))
    counts += [(versions[version], day, count) for version, day, count in by_version]
    days = {model: [0] * USAGE_DAYS for model in models}
    for model, day, count in counts:
        position = (round_down_to_day(day) - first_day) // DAY
        if 0 <= position < USAGE_DAYS:
            days[model][position] += count
    return {model: Sparkline(values, draw_bars(values)) for model, values in days.items()}


def find_last_uses(versions: Iterable[ModelVersion]) -> dict[UUID, datetime]:
    """Return the time of the last prediction of each model with one, by primary key of the model."""
    rows, last_uses = list(versions), dict[UUID, datetime]()
    for start in range(0, len(rows), MAX_VERSIONS_PER_QUERY):
        part = rows[start : start + MAX_VERSIONS_PER_QUERY]
        usage = count_usage(part)
        for version in part:
            last = usage[version.pk].last
            if last and last > last_uses.get(version.model_id, datetime.min.replace(tzinfo=last.tzinfo)):
                last_uses[version.model_id] = last
    return last_uses


def draw_bars(counts: Sequence[int]) -> str:
    """Return the path of one bar per day. A day with a prediction has a visible bar."""
    highest, step = max(counts), SPARKLINE_WIDTH / len(counts)
    parts = []
    for number, count in enumerate(counts):
        if count:
            height = max(1.5, SPARKLINE_HEIGHT * count / highest)
            parts.append(f"M{number * step:.1f} {SPARKLINE_HEIGHT}v{-height:.1f}h{step - 1:.1f}v{height:.1f}z")
    return "".join(parts)
