"""Compare inserts of predictions with and without their events on PostgreSQL: python -m benchmarks.event_inserts

Short blocks of inserts alternate in one database, in this process. So the difference is visible on a busy machine, too. The
CPU time is that of this process and of its PostgreSQL process. It does not include checkpoints and the delivery of events.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.eventless import build_statement
from benchmarks.partitions import BASE, connect_site
from mlsite.tests import postgres

BLOCKS = 60
INSERTS = ((1, 60), (4, 20))  # predictions per statement, and statements per block


def main() -> int:
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    with (
        postgres.run_cluster(binaries, fsync=True) as cluster,
        tempfile.TemporaryDirectory(prefix="mlsite-events-") as folder,
    ):
        connect_site(cluster, folder)
        from benchmarks.partition_data import create_base, list_months
        from benchmarks.partition_layouts import Layout

        create_base(list_months(datetime.now(UTC)))
        layout = Layout(BASE)
        for size, groups in INSERTS:
            series = time_blocks(layout, size=size, groups=groups)
            print(f"{size} per statement: {describe(series)}", flush=True)
    return 0


def time_blocks(layout: Any, *, size: int, groups: int) -> list[tuple[float, float]]:
    """Return the CPU times per prediction in ms of each pair of blocks, with and without events."""
    from predictions.services import inserts

    statements: Sequence[Callable[..., Any]] = (inserts._build_statement, build_statement)
    series = []
    for number in range(BLOCKS + 1):
        times = {}
        for build in statements if number % 2 else reversed(statements):
            inserts._build_statement = build
            times[build] = layout.time_inserts(groups=groups, size=size).cpu
        if number:  # the first pair warms up
            series.append((times[statements[0]], times[statements[1]]))
    inserts._build_statement = statements[0]
    return series


def describe(series: Sequence[tuple[float, float]]) -> str:
    own, without = (median(times) for times in zip(*series, strict=True))
    difference = median(own - without for own, without in series)
    return f"{own:.3f} ms with events, {without:.3f} ms without; median of the differences: {difference:.3f} ms"


if __name__ == "__main__":
    sys.exit(main())
