"""What a user has used: predictions today, what is left of the daily quota, and predictions per model in 30 days."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from accounts.services.usage import Quota, get_quota
from predictions.model_usage import USAGE_DAYS, Sparkline, draw_bars
from predictions.models import Prediction, PredictionCount, SummaryProgress
from predictions.usage import DAY, PREDICTIONS, round_down_to_day
from registry.models import ModelVersion, RegisteredModel

MAX_COUNTED = 10_000  # predictions since the last complete day


@dataclass(frozen=True, slots=True)
class OwnUsage:
    """The usage of one user. Days are those of UTC, as for the quota.

    Args:
        today: predictions with any status.
        is_capped: there are more recent predictions than were counted.
        models: the succeeded predictions of each model, most used first.
        quota: None without a limit.
    """

    today: int
    is_capped: bool
    models: list[tuple[RegisteredModel, Sparkline]]
    quota: Quota | None


def measure_own_usage(user: User) -> OwnUsage:
    """Add up the counts of complete days, and count only the predictions after them, up to `MAX_COUNTED`."""
    midnight = round_down_to_day(timezone.now())
    first_day = midnight - (USAGE_DAYS - 1) * DAY
    until = max(first_day, min(midnight, SummaryProgress.get_until(PREDICTIONS) or first_day))
    counted = PredictionCount.objects.filter(user=user, day__gte=first_day, day__lt=until).order_by()
    rows = list(counted.values_list("model_version", "day").annotate(Sum("count")))
    own = Prediction.objects.filter(user=user).created_in(start=until).order_by("-id")
    recent = list(own.values_list("model_version", "created_at", "status")[: MAX_COUNTED + 1])
    is_capped = len(recent) > MAX_COUNTED
    recent = recent[:MAX_COUNTED]
    rows += [(version, created_at, 1) for version, created_at, status in recent if status == Prediction.Status.SUCCEEDED]
    versions = ModelVersion.objects.select_related("model").in_bulk({version for version, _, _ in rows})
    days: dict[UUID, list[int]] = defaultdict(lambda: [0] * USAGE_DAYS)
    for version, moment, count in rows:
        position = (round_down_to_day(moment) - first_day) // DAY
        days[versions[version].model_id][min(max(position, 0), USAGE_DAYS - 1)] += count
    models = {version.model_id: version.model for version in versions.values()}
    pairs = [(models[pk], Sparkline(counts, draw_bars(counts))) for pk, counts in days.items()]
    return OwnUsage(
        today=sum(created_at >= midnight for _, created_at, _ in recent),
        is_capped=is_capped,
        models=sorted(pairs, key=lambda pair: -pair[1].total),
        quota=get_quota(user),
    )
