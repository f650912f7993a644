"""Compare batch requests with single requests to the same server: python -m benchmarks.batches

Single requests of 16 clients alternate with batch requests of 4 clients, which keep the server busy too. The same with one
client for both. The rate is that of the inputs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import payloads, wrk
from benchmarks.comparison import SITE_KEY, WARM_UP_SECONDS, compute_ratios, format_ratios, run_servers
from benchmarks.contenders import Contender, build_site
from benchmarks.measurement import Sample, measure
from benchmarks.payloads import ROOT, write_requests
from benchmarks.report import build_rows
from mlsite.tests import postgres

BATCHES = {
    "image": (payloads.list_image_batches, payloads.BATCH_IMAGES),
    "row": (payloads.list_row_batches, payloads.BATCH_ROWS),
}
CLIENT_COUNTS = ((wrk.CONNECTIONS, 4), (1, 1))  # of single requests, and of the batch requests they are compared with
COLUMNS = ("Inputs", "Clients", "Inputs/s", "p50 ms", "Server CPU ms", "Database CPU ms", "Total CPU ms")
RATIO_COLUMNS = ("Batch divided by single", "Clients", "Inputs/s", "Total CPU")

Key = tuple[str, int, int]  # the workload, the position in `CLIENT_COUNTS`, and the number of inputs of a request
Results = dict[Key, list[Sample]]


def measure_batches(*, rounds: int, seconds: float) -> Results:
    """Measure single requests and batch requests in turn, in several rounds, with one server."""
    results: Results = {}
    with _start_site() as (contenders, cluster):
        for number in range(rounds):
            for position, contender in contenders if number % 2 == 0 else contenders[::-1]:
                warm_up = 0.0 if contender.is_warm else WARM_UP_SECONDS
                sample = measure(contender, cluster.url, cluster.pid, seconds=seconds, warm_up=warm_up)
                contender.is_warm = True
                results.setdefault((contender.workload, position, contender.items), []).append(sample)
                print(f"{contender.title:40} {sample.rate:8.0f} inputs/s {sample.get_cpu_ms():8.3f} ms CPU", flush=True)
    return dict(sorted(results.items(), key=lambda item: item[0]))


def build_batch_section(results: Results, *, seconds: float) -> str:
    """Return the results as a section of a Markdown page: the medians of the rounds, and the ratios with their range."""
    rounds = max(map(len, results.values()))
    ratios = []
    for (workload, position, items), samples in results.items():
        singles = results[workload, position, 1]
        if items > 1:
            rate = compute_ratios(samples, singles, lambda sample: sample.rate)
            cpu = compute_ratios(samples, singles, Sample.get_cpu_ms)
            clients = " and ".join(map(str, reversed(CLIENT_COUNTS[position])))
            ratios.append((f"{items:,} {workload}s", clients, format_ratios(rate), format_ratios(cpu)))
    lines = [
        "## Batch requests",
        "",
        f"mlsite only. {rounds} rounds, in order and in reverse. {seconds:g} seconds per measurement. CPU times are per "
        "prediction.",
        "",
        *build_rows(COLUMNS, (_format_samples(key, samples) for key, samples in results.items())),
        "",
        *build_rows(RATIO_COLUMNS, ratios),
    ]
    return "\n".join(lines) + "\n"


def _format_samples(key: Key, samples: Sequence[Sample]) -> tuple[str, ...]:
    workload, position, items = key
    return (
        f"{items:,} {workload}{'s' if items > 1 else ''} per request",
        str(CLIENT_COUNTS[position][items > 1]),
        f"{median(sample.rate for sample in samples):,.0f}",
        f"{median(sample.p50_ms for sample in samples):.1f}",
        *(
            f"{median(values):.3f}"
            for values in (
                [sample.server_ms for sample in samples],
                [sample.database_ms for sample in samples],
                [sample.get_cpu_ms() for sample in samples],
            )
        ),
    )


@contextmanager
def _start_site() -> Iterator[tuple[list[tuple[int, Contender]], postgres.Cluster]]:
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="mlsite-bench-") as temporary,
        postgres.run_cluster(binaries, fsync=True) as cluster,
    ):
        folder = Path(temporary) / "site"
        singles = build_site(SITE_KEY, ROOT, folder, cluster.url)
        contenders = [
            (position, replace(contender, connections=clients, title=f"{contender.title}, {clients} clients"))
            for position, counts in enumerate(CLIENT_COUNTS)
            for single in singles
            for contender, clients in zip(
                (replace(single, title=f"1 {single.workload}"), _build_batch(single, folder)), counts, strict=True
            )
        ]
        with run_servers([single.server for single in singles]):
            yield contenders, cluster


def _build_batch(single: Contender, folder: Path) -> Contender:
    list_bodies, items = BATCHES[single.workload]
    url = f"{single.url}batch/"
    head = single.request_files[0].read_bytes().partition(b"\r\n\r\n")[0].decode()
    token = next(line for line in head.split("\r\n") if line.startswith("Authorization")).rpartition(" ")[2]
    files = write_requests(folder, url, list_bodies, token)
    return replace(single, url=url, request_files=files, items=items, title=f"{items:,} {single.workload}s")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batches", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="duration of each measurement")
    options = parser.parse_args()
    wrk.check_installed()
    print(build_batch_section(measure_batches(rounds=options.rounds, seconds=options.seconds), seconds=options.seconds))


if __name__ == "__main__":
    main()
