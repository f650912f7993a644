"""Time every list, filter, page, and admin list with 1,000 and with 1,000,000 predictions on PostgreSQL: make bench-growth

For another number of predictions: `.venv/bin/python -m benchmarks.growth --predictions 10000000 --output FILE`.

Both databases have the same models, users, and distribution of values (see `growth_data`). The requests run in this process,
alternately in both databases. Each time is the median of several requests. Ratio and limit are for the CPU time of this
process and of the PostgreSQL process together, which other programs on the machine hardly change. On an idle machine, the
wall time is about the same.

The result is written to benchmarks/GROWTH.md, or to the file of `--output`. The exit status is 1 if a request misses the
goal.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.growth_requests import METRICS
from benchmarks.payloads import ROOT

RESULT = ROOT / "benchmarks" / "GROWTH.md"
BASE = "growth_base"
SMALL, LARGE = 1_000, 1_000_000  # predictions
SEEDED_ROWS = {"digits": 300, "iris": 300, "diabetes": 200}  # in the base
MAX_RATIO = 1.5
MAX_MILLISECONDS = 150.0
MAX_METRICS_MILLISECONDS = 300.0
NOISE_MILLISECONDS = 1.0  # growth by less than this does not count


class Result(NamedTuple):
    """Median times of a request in milliseconds, and the number of rows in the responses."""

    user: str
    name: str
    small_rows: int
    large_rows: int
    small_cpu: float
    large_cpu: float
    large_wall: float

    @property
    def ratio(self) -> float:
        return self.large_cpu / self.small_cpu

    @property
    def is_good(self) -> bool:
        """Return whether the request meets the goal. A list with more rows may take longer; metrics may grow."""
        if self.name.startswith(METRICS):
            return self.large_cpu < MAX_METRICS_MILLISECONDS
        more_rows = max(self.large_rows, 1) / max(self.small_rows, 1)
        grows = self.large_cpu > self.small_cpu * MAX_RATIO * max(more_rows, 1) + NOISE_MILLISECONDS
        return not grows and self.large_cpu < MAX_MILLISECONDS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="requests per database and URL")
    parser.add_argument("--predictions", type=int, default=LARGE, help="in the large database, default: %(default)s")
    parser.add_argument("--output", type=Path, default=RESULT, help="default: %(default)s")
    parser.add_argument("--only", default="", help="time only requests whose user and name contain this; write no file")
    parser.add_argument(
        "--server", default="", help="URL of a PostgreSQL server without a database name; keeps the databases"
    )
    parser.add_argument("--folder", type=Path, help="folder for the site's files, together with --server")
    options = parser.parse_args()
    if options.server:
        return run(options.server, options.folder, options)
    from mlsite.tests import postgres

    binaries = postgres.find_binaries()
    if binaries is None:
        parser.error("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgres.run_cluster(binaries) as cluster, tempfile.TemporaryDirectory(prefix="mlsite-growth-") as folder:
        return run(cluster.url.removesuffix("/postgres"), Path(folder), options)


def run(server: str, folder: Path, options: argparse.Namespace) -> int:
    environment = {
        "ENV_FILE": "",
        "SECRET_KEY": "growth",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "ERROR",
        "ALLOWED_HOSTS": "*",
    }
    os.environ |= {**environment, "DATABASE_URL": f"{server}/{BASE}", "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
    if not (folder / "models").exists():
        build_base(server)
    import django

    django.setup()
    from benchmarks.growth_sites import GrowthSite, build_database

    counts = (SMALL, options.predictions)
    names = [f"growth_{count}" for count in counts]
    for name, count in zip(names, counts, strict=True):
        build_database(name, base=BASE, count=count)
    sites = [GrowthSite(name) for name in names]
    gc.collect()
    gc.freeze()  # as in the server, see mlsite/gunicorn.py
    results = list(time_requests(sites, rounds=options.rounds, only=options.only))
    lines = [*format_results(results, options.predictions), "", *format_sizes(sites[1].measure_sizes())]
    missed = [result for result in results if not result.is_good]
    print("\n".join(lines) if not options.only else "", f"{len(missed)} of {len(results)} requests miss the goal.")
    if not options.only:
        options.output.write_text("\n".join(lines) + "\n")
    return 1 if missed else 0


def build_base(server: str) -> None:
    """Create the site with a few predictions that the example models could have made."""
    import psycopg2

    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {BASE}")
    connection.close()
    commands = [["bootstrap"]]
    commands += [
        ["seed_predictions", name, "--count", str(count), "--files", "20", "--yes"] for name, count in SEEDED_ROWS.items()
    ]
    commands += [["shell", "--no-imports", "-v0", "-c", "from benchmarks.growth_sites import *; add_versions()"]]
    for command in commands:
        print(*command[:2], flush=True)
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def time_requests(sites: list[Any], *, rounds: int, only: str) -> Iterator[Result]:
    from benchmarks.growth_requests import list_requests

    requests = [list(list_requests(site.facts)) for site in sites]
    for pair in zip(*requests, strict=True):
        user, name = pair[0].user, pair[0].name
        if only not in f"{user} {name}":
            continue
        rows = [site.count_rows(request) for site, request in zip(sites, pair, strict=True)]  # also warms up
        gc.collect()
        timings = [[site.time(request) for site, request in zip(sites, pair, strict=True)] for _ in range(rounds)]
        small, large = ([timing[index] for timing in timings] for index in (0, 1))
        cpu = [median(timing.cpu for timing in series) for series in (small, large)]
        result = Result(user, name, *rows, *cpu, median(timing.wall for timing in large))
        print(format_result(result), flush=True)
        yield result


def format_result(row: Result) -> str:
    rows = "" if row.large_rows < 0 else f"{row.small_rows} / {row.large_rows}"
    return (
        f"| {row.user:8} | {row.name:44} | {rows:>9} | {row.small_cpu:8.1f} | {row.large_cpu:8.1f} | {row.ratio:5.2f} "
        f"| {row.large_wall:8.1f} | {'' if row.is_good else 'MISSED'} |"
    )


def format_results(results: list[Result], count: int) -> Iterator[str]:
    yield "# Growth: times of lists and pages by the number of predictions"
    yield ""
    command = "make bench-growth" if count == LARGE else f"python -m benchmarks.growth --predictions {count}"
    yield f"Generated by `{command}` (see `benchmarks/growth.py`). Times are in milliseconds."
    yield ""
    yield (
        f"MISSED: the CPU time at {count:,} predictions is {MAX_MILLISECONDS:.0f} ms or more, or more than {MAX_RATIO} "
        f"times that at {SMALL:,}."
    )
    yield (
        "The ratio may be higher if the response has more rows. Pages with metrics may grow, but must take less than "
        f"{MAX_METRICS_MILLISECONDS:.0f} ms."
    )
    yield ""
    yield f"| User | Request | Rows | CPU at {SMALL:,} | CPU at {count:,} | Ratio | Wall at {count:,} | |"
    yield "|---|---|--:|--:|--:|--:|--:|---|"
    yield from map(format_result, results)


def format_sizes(sizes: list[tuple[str, str, float]]) -> Iterator[str]:
    yield "| Table | Table or index | MB |"
    yield "|---|---|--:|"
    for table, name, size in sizes:
        yield f"| {table} | {name} | {size:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
