"""Compare the tables of inputs and predictions with the same tables partitioned by month: python -m benchmarks.partitions

A month is a range of IDs, because they are UUIDv7. So the tables are partitioned by ID, which stays the primary key.
Inserts, queries, and retention policies use the code of the site, alternately in both databases. The CPU time is that of
this process and of the PostgreSQL process together, which other programs on the machine hardly change.

The result is written to benchmarks/PARTITIONS.md. With 10 million rows, this takes up to an hour and 40 GB of disk space.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.databases import create_database, execute
from benchmarks.partition_report import Comparison, build_report
from benchmarks.payloads import ROOT
from mlsite.tests import postgres

RESULT = ROOT / "benchmarks" / "PARTITIONS.md"
BASE, WHOLE, PARTITIONED = "base", "whole", "partitioned"
INSERTS = ((1, 400), (4, 100), (16, 40))  # predictions per statement, and statements per round
QUERY_REPEATS = 3  # per round
RETENTION_SHARE = 0.03  # of a month, which the retention policies remove
BUILD_SETTINGS = {"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "'8GB'"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="predictions in each database, default: %(default)s")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of inserts and queries, default: %(default)s")
    parser.add_argument("--output", type=Path, default=RESULT, help="default: %(default)s")
    options = parser.parse_args()
    binaries = postgres.find_binaries()
    if binaries is None:
        parser.error("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgres.run_cluster(binaries) as cluster, tempfile.TemporaryDirectory(prefix="mlsite-partitions-") as folder:
        connect_site(cluster, folder)
        months = build_databases(cluster, options.rows)
        comparison = run(months, rounds=options.rounds)
    report = build_report(comparison, rows=options.rows)
    options.output.write_text(report)
    print(f"\n{report}\nWritten to {options.output}")
    return 0


def connect_site(cluster: postgres.Cluster, folder: str) -> None:
    """Create the base database, and set Django up in this process."""
    url = create_database(cluster.url, BASE)
    os.environ |= {"ENV_FILE": "", "SECRET_KEY": "partitions", "VAR_DIR": folder, "LOG_LEVEL": "ERROR", "DATABASE_URL": url}
    os.environ["DJANGO_SETTINGS_MODULE"] = "mlsite.settings"
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
    import django

    django.setup()


def build_databases(cluster: postgres.Cluster, rows: int) -> list[datetime]:
    """Create both databases. Return the starts of their months. Then measure as with the default settings of PostgreSQL."""
    from django.db import connection

    from benchmarks.growth_sites import connect
    from benchmarks.partition_data import create_base, fill_tables, list_months, partition_tables

    now = datetime.now(UTC)
    months = list_months(now)
    create_base(months)
    connection.close()
    restart(cluster, BUILD_SETTINGS)
    start = time.monotonic()

    def build(name: str) -> None:
        connect(name)
        if name == PARTITIONED:
            partition_tables(months)
        fill_tables(
            count=rows,
            start=months[0],
            end=now,
            report=lambda text: print(f"{time.monotonic() - start:5.0f} s  {name}: {text}", flush=True),
        )
        connection.close()

    for name in (WHOLE, PARTITIONED):
        execute(cluster.url, f"CREATE DATABASE {name} TEMPLATE {BASE}")
    with ThreadPoolExecutor() as executor:
        list(executor.map(build, (WHOLE, PARTITIONED)))
    # No process but the measured one does work for the other database meanwhile.
    restart(cluster, {"autovacuum": "off"}, fsync=True)
    return months


def restart(cluster: postgres.Cluster, settings: dict[str, str], *, fsync: bool = False) -> None:
    execute(cluster.url, "ALTER SYSTEM RESET ALL")
    for name, value in settings.items():
        execute(cluster.url, f"ALTER SYSTEM SET {name} = {value}")
    cluster.stop()
    cluster.start(fsync=fsync)


def run(months: list[datetime], *, rounds: int) -> Comparison:
    from benchmarks.partition_layouts import Layout

    layouts = [Layout(name) for name in (WHOLE, PARTITIONED)]
    comparison = Comparison(postgresql=layouts[0].fetch_value("SHOW server_version"))
    comparison.sizes["Before"] = [layout.measure_bytes() for layout in layouts]
    time_queries(layouts, months, comparison, rounds)
    time_inserts(layouts, comparison, rounds)
    time_removal(layouts, months, comparison)
    comparison.sizes["After"] = [layout.measure_bytes() for layout in layouts]
    return comparison


def time_queries(layouts: list[Any], months: list[datetime], comparison: Comparison, rounds: int) -> None:
    from benchmarks.partition_layouts import list_queries

    layouts[0].activate()
    for name, query in list_queries(months).items():
        for layout in layouts:
            layout.time(query)  # reads from the disk
        for _ in range(rounds):
            for layout in layouts:
                for _ in range(QUERY_REPEATS):
                    comparison.add(name, layout.name, layout.time(query))
        comparison.print(name)


def time_inserts(layouts: list[Any], comparison: Comparison, rounds: int) -> None:
    for size, groups in INSERTS:
        name = f"Insert, {size} per statement" if size > 1 else "Insert, one prediction"
        for number in range(rounds + 1):
            for layout in layouts if number % 2 else reversed(layouts):
                timing = layout.time_inserts(groups=groups, size=size)
                if number:  # the first round warms up
                    comparison.add(name, layout.name, timing)
        comparison.print(name)
    size, groups = INSERTS[0]
    for layout in layouts:
        written = layout.measure_wal_bytes(partial(layout.time_inserts, groups=groups, size=size))
        comparison.wal_bytes[layout.name] = written / groups / size


def time_removal(layouts: list[Any], months: list[datetime], comparison: Comparison) -> None:
    """Remove a part of the oldest month with retention policies, then the rest of it at once."""
    from benchmarks.partition_layouts import apply_retention, delete_month, drop_month, vacuum
    from predictions.models import Prediction

    whole, partitioned = layouts
    first, second = months[:2]
    limit = first + RETENTION_SHARE * (second - first)
    for layout in layouts:
        removed: list[int] = []
        timing = layout.time(lambda removed=removed: removed.append(apply_retention(limit)))
        comparison.add("apply_retention, per prediction", layout.name, timing.divide(removed[0]))
        comparison.add(f"VACUUM after that ({removed[0]:,} rows)", layout.name, layout.time(vacuum))
    whole.activate()
    comparison.month_rows = Prediction.objects.created_in(end=second).count()
    comparison.add("Oldest month at once", whole.name, whole.time(lambda: delete_month(second)))
    comparison.add("Oldest month at once", partitioned.name, partitioned.time(lambda: drop_month(first, second)))
    for name in list(comparison.timings)[-3:]:
        comparison.print(name)


if __name__ == "__main__":
    sys.exit(main())
