"""The figures of a window as the rolled up counts, the ledger and the reviews give them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import User
from monitoring.aggregation import Cells
from monitoring.metrics import QUANTILES, Bucket, Operations, Pair, Row, rows_of
from monitoring.rollup_reader import read_cells
from monitoring.tally import Tally, total
from monitoring.windows import Window
from predictions.models import Review

BUSIEST = 10  # users that are named
EARLIER = timedelta(hours=1)  # clocks of two machines differ by less
NOBODY = "deleted accounts"


def build_report(window: Window, *, versions: Sequence[UUID] | None = None) -> Operations:
    """Return the figures of a window in a fixed number of queries.

    Args:
        versions: count only what these model versions did; None for all.
    """
    cells = read_cells(window, versions=versions)
    now, before = (_total(cells, one) for one in (window, window.before))
    judged = _judged(window, versions)
    return Operations(
        window=window,
        predictions=Pair(now.predictions, before.predictions),
        failed=Pair(now.share_of("failed"), before.share_of("failed")),
        latency=_latency(now, before),
        confidence=Pair(now.mean_confidence, before.mean_confidence),
        awaiting=Pair(now.counts["status"]["succeeded"] - judged.now, before.counts["status"]["succeeded"] - judged.before),
        input_bytes=Pair(now.input_bytes, before.input_bytes),
        errors=rows_of(now.counts["error"], before.counts["error"]),
        labels=rows_of(now.counts["label"], before.counts["label"]),
        users=_users(now.counts["user"], before.counts["user"]),
        versions=_versions(cells, window),
        buckets=_buckets(cells, window),
    )


def _total(cells: Cells, window: Window) -> Tally:
    return total(tally for (start, _), tally in cells.items() if window.holds(start))


def _latency(now: Tally, before: Tally) -> dict[str, Pair]:
    both = zip(now.quantiles(*QUANTILES.values()), before.quantiles(*QUANTILES.values()), strict=True)
    return {name: Pair(*pair) for name, pair in zip(QUANTILES, both, strict=True)}


def _judged(window: Window, versions: Sequence[UUID] | None) -> Any:
    """Count the answers of both windows that somebody has judged.

    An opinion's id bears its time, which is later than that of the answer: what was judged long before is not looked at.
    """
    rows: Any = Review.objects.active().filter(id__gte=first_id(window.before.start - EARLIER))
    rows = rows.filter(prediction__status="succeeded")
    if versions is not None:
        rows = rows.filter(prediction__model_version__in=versions)
    counts = {"now": _within(window), "before": _within(window.before)}
    return Pair(**rows.aggregate(**{name: Count("prediction", distinct=True, filter=when) for name, when in counts.items()}))


def _within(window: Window) -> Q:
    return Q(prediction__created_at__gte=window.start, prediction__created_at__lt=window.end)


def first_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment: its first 48 bits are the milliseconds since 1970 (RFC 9562, 5.7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _users(now: Counter[str], before: Counter[str]) -> list[Row]:
    """Return who asked most. Counts outlive an account, as the ledger does; those of all who are gone are one row."""
    keys = [key for key in {*now, *before} if key]
    names = {str(pk): name for pk, name in User.objects.filter(pk__in=keys).values_list("pk", "username")}
    rows = rows_of(_named(now, names), _named(before, names))
    return [row for row in rows if row.now][:BUSIEST]


def _named(counter: Counter[str], names: dict[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for key, n in counter.items():
        found[names.get(key, NOBODY)] += n
    return found


def _versions(cells: Cells, window: Window) -> dict[UUID, Pair]:
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for (start, version), tally in cells.items():
        counts[version][0 if window.holds(start) else 1] += tally.predictions
    return {version: Pair(*pair) for version, pair in sorted(counts.items(), key=lambda item: -item[1][0])}


def _buckets(cells: Cells, window: Window) -> list[Bucket]:
    tallies: dict[datetime, Tally] = defaultdict(Tally)
    versions: dict[datetime, Counter[UUID]] = defaultdict(Counter)
    for (start, version), tally in cells.items():
        tallies[start].add(tally)
        versions[start][version] += tally.predictions
    quantiles = QUANTILES.values()
    return [Bucket(one, tallies[one], versions[one], *tallies[one].quantiles(*quantiles)) for one in window.buckets]
