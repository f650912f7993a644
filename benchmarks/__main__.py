"""Compare mlsite with other programs that serve and store predictions: python -m benchmarks"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import contenders, wrk
from benchmarks.contenders import Contender
from benchmarks.measurement import Sample, measure, order_rounds
from benchmarks.servers import ROOT
from mlsite.tests import postgres

LINE = "{:6} {:20} {:>9} {:>9} {:>9} {:>10} {:>12} {:>10} {:>9}"
HEADINGS = ("", "", "requests", "p50 ms", "p99 ms", "server", "database", "together", "memory")
UNITS = ("", "", "per s", "", "", "CPU ms", "CPU ms", "CPU ms", "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, action="append", help="another checkout of mlsite to measure; can be repeated")
    parser.add_argument("--only", choices=["image", "row"], help="measure only images, or only rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds before the first measurement of each contender")
    options = parser.parse_args()
    wrk.check_installed()
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="mlsite-bench-") as folder,
        postgres.run_cluster(binaries, fsync=True) as cluster,
    ):
        print_comparison(compare(cluster, Path(folder), options))


def compare(cluster: postgres.Cluster, folder: Path, options: argparse.Namespace) -> dict[tuple[str, str], list[Sample]]:
    """Keep all contenders running, and measure them in turn. Return the samples by workload and name."""
    competing = build_contenders(cluster.url, folder, options)
    results: dict[tuple[str, str], list[Sample]] = {}
    with ExitStack() as stack:
        for server in {id(contender.server): contender.server for contender in competing}.values():
            stack.callback(server.stop)
            server.start()
        for contender in competing:
            contender.wait_until_ready()
        for number, contenders_of_round in enumerate(order_rounds(competing, options.rounds)):
            for contender in contenders_of_round:
                warm_up = options.warm_up if number == 0 else 1
                sample = measure(contender, cluster.url, cluster.pid, seconds=options.seconds, warm_up=warm_up)
                results.setdefault((contender.workload, contender.name), []).append(sample)
                print_sample(contender.workload, contender.name, sample)
    return results


def build_contenders(cluster_url: str, folder: Path, options: argparse.Namespace) -> list[Contender]:
    competing = []
    for position, site in enumerate(options.site or [ROOT]):
        for contender in contenders.build_site(cluster_url, folder / f"site-{position}", site.resolve(), position):
            contender.name = "mlsite" if site == ROOT else f"mlsite {site.name}"
            competing.append(contender)
    competing += [
        contenders.build_image_expert(cluster_url, folder / "image-expert"),
        contenders.build_row_flask(cluster_url, folder / "row-flask"),
    ]
    return [contender for contender in competing if options.only in (None, contender.workload)]


def print_sample(workload: str, name: str, sample: Sample) -> None:
    cells = f"{sample.rate:.0f}", f"{sample.p50_ms:.1f}", f"{sample.p99_ms:.1f}"
    times = f"{sample.server_ms:.2f}", f"{sample.database_ms:.2f}", f"{sample.cpu_ms:.2f}"
    print(LINE.format(workload, name, *cells, *times, f"{sample.memory_bytes / 1e6:.0f}"), flush=True)


def print_comparison(results: dict[tuple[str, str], list[Sample]]) -> None:
    """Print the ratio of the CPU times of each site and each other contender: the median of the rounds, and the range."""
    print(LINE.format(*HEADINGS) + "\n" + LINE.format(*UNITS))
    for (workload, name), samples in results.items():
        for (other_workload, other_name), others in results.items():
            if workload != other_workload or not name.startswith("mlsite") or other_name.startswith("mlsite"):
                continue
            ratios = sorted(ours.cpu_ms / theirs.cpu_ms for ours, theirs in zip(samples, others, strict=True))
            print(f"{workload}: {name} / {other_name}: {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
