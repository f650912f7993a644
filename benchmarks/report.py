"""Write the results of all rounds as a Markdown page."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.comparison import SITE_KEY, Results, compute_ratios, format_ratios
from benchmarks.limits import Inserts
from benchmarks.measurement import Sample
from benchmarks.servers import PROCESSES, THREADS
from benchmarks.wrk import CONNECTIONS

LIBRARIES = (
    *("django", "gunicorn", "tensorflow", "keras", "scikit-learn"),
    *("fastapi", "uvicorn", "psycopg", "flask", "sqlalchemy", "litserve", "mlflow-skinny"),
)
WORKLOAD_TITLES = {"image": "Images", "row": "Rows"}
COLUMNS = ("Program", "Requests/s", "p50 ms", "p99 ms", "Server CPU ms", "Database CPU ms", "Total CPU ms", "Memory MB")
RATIO_COLUMNS = ("mlsite divided by", "Total CPU", "Server CPU", "Requests/s", "p99", "Memory")


def get_memory_mb(sample: Sample) -> float:
    return sample.memory_bytes / 1e6


# What the columns show, with the number of decimal places.
VALUES: tuple[tuple[Callable[[Sample], float], int], ...] = (
    (lambda sample: sample.rate, 0),
    (lambda sample: sample.p50_ms, 1),
    (lambda sample: sample.p99_ms, 1),
    (lambda sample: sample.server_ms, 2),
    (lambda sample: sample.database_ms, 2),
    (Sample.get_cpu_ms, 2),
    (get_memory_mb, 0),
)
RATIOS: tuple[Callable[[Sample], float], ...] = (
    Sample.get_cpu_ms,
    lambda sample: sample.server_ms,
    lambda sample: sample.rate,
    lambda sample: sample.p99_ms,
    get_memory_mb,
)


def build_report(
    results: Results,
    titles: Mapping[str, str],
    models: Mapping[str, float],
    inserts: Inserts,
    versions: Mapping[str, str],
    *,
    seconds: float,
) -> str:
    """Return the page.

    Args:
        titles: of the contenders, by key.
        models: CPU time of the bare models per input in ms.
        versions: of the libraries, by name in lower case.
        seconds: duration of each measurement.
    """
    rounds = max(map(len, results.values()))
    lines = [
        "# Results of `make bench`",
        "",
        f"{rounds} rounds, in order and in reverse. {seconds:g} seconds per measurement. {CONNECTIONS} keep-alive",
        f"connections. {PROCESSES} processes of {THREADS} threads. The tables show the median of the rounds. CPU times are",
        "per stored prediction, or per response if the program stores nothing. [How to read them](../docs/benchmarks.md)",
        "",
        describe_machine(versions),
    ]
    for workload, heading in WORKLOAD_TITLES.items():
        samples = {key: values for (kind, key), values in results.items() if kind == workload}
        if samples:
            lines += ["", f"## {heading}", "", *build_table(samples, titles), "", *build_ratio_table(samples, titles)]
    lines += [
        "",
        "## Limits",
        "",
        *build_rows(("Without a server", "CPU ms"), ((name, f"{value:.2f}") for name, value in models.items())),
        f"| Two inserts in one transaction (pgbench, {inserts.rate:.0f} per second), database | {inserts.database_ms:.2f} |",
    ]
    return "\n".join(lines) + "\n"


def describe_machine(versions: Mapping[str, str]) -> str:
    libraries = ", ".join(f"{name} {versions[name]}" for name in LIBRARIES)
    return f"{os.cpu_count()} cores ({read_cpu_model()}), Python {platform.python_version()}.\n{libraries}."


def read_cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def build_table(samples: Mapping[str, Sequence[Sample]], titles: Mapping[str, str]) -> list[str]:
    return build_rows(
        COLUMNS,
        (
            (titles[key], *(f"{median(map(read, values)):,.{places}f}" for read, places in VALUES))
            for key, values in samples.items()
        ),
    )


def build_ratio_table(samples: Mapping[str, Sequence[Sample]], titles: Mapping[str, str]) -> list[str]:
    """Return the ratios of mlsite and each other program: the median of the rounds, the lowest, and the highest."""
    ours = samples[SITE_KEY]
    return build_rows(
        RATIO_COLUMNS,
        (
            (titles[key], *(format_ratios(compute_ratios(ours, values, read)) for read in RATIOS))
            for key, values in samples.items()
            if key != SITE_KEY
        ),
    )


def build_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table. All columns but the first are numbers."""
    lines = [columns, ("---", *("---:" for _ in columns[1:])), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
