"""Measure the contenders in turn, in several rounds, and compare their results."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks import wrk
from benchmarks.contenders import PEER_PYTHON, PEERS, Contender, build_peer, build_site
from benchmarks.measurement import Sample, measure
from benchmarks.payloads import ROOT
from benchmarks.servers import Server
from mlsite.tests import postgres

SITE_KEY = "mlsite"
EVENTLESS_KEY, EVENTLESS_TITLE = "without-events", "mlsite without events"
EVENTLESS_APPLICATION = "benchmarks.eventless:create_application()"
WARM_UP_SECONDS = 3.0  # at the start of a server
LINE = "{:6} {:30} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10} {:>8}"
HEADINGS = (
    LINE.format("", "", "requests", "p50", "p99", "server", "database", "total", "memory"),
    LINE.format("", "", "per s", "ms", "ms", "CPU ms", "CPU ms", "CPU ms", "MB"),
)

Results = dict[tuple[str, str], list[Sample]]  # one sample per round, by workload and key of the contender


class Comparison:
    """A PostgreSQL server and the contenders that store their predictions in it."""

    def __init__(self, cluster: postgres.Cluster, contenders: Sequence[Contender]) -> None:
        self.cluster, self.contenders = cluster, contenders

    @contextmanager
    def keep_running(self) -> Iterator[None]:
        """Start all servers at once, and keep them running. Otherwise, one at a time is started for each measurement."""
        with run_servers([contender.server for contender in self.contenders]):
            yield

    def run(self, *, rounds: int, seconds: float) -> Results:
        """Measure all contenders in each round for some seconds: in order, in the next round in reverse, and so on."""
        results: Results = {}
        print("\n".join(HEADINGS), flush=True)
        for contenders in order_rounds(self.contenders, rounds):
            for contender in contenders:
                sample = self._measure(contender, seconds)
                results.setdefault((contender.workload, contender.key), []).append(sample)
                print(format_sample(contender, sample), flush=True)
        return results

    def _measure(self, contender: Contender, seconds: float) -> Sample:
        if contender.server.process is not None:  # it runs already
            warm_up = 0.0 if contender.is_warm else WARM_UP_SECONDS
            contender.is_warm = True
            return measure(contender, self.cluster.url, self.cluster.pid, seconds=seconds, warm_up=warm_up)
        with run_servers([contender.server]):
            return measure(contender, self.cluster.url, self.cluster.pid, seconds=seconds, warm_up=WARM_UP_SECONDS)


@contextmanager
def prepare(
    sites: Sequence[Path], peer_keys: Sequence[str], workload: str | None = None, *, has_eventless: bool = False
) -> Iterator[Comparison]:
    """Start PostgreSQL, set up the sites, and create the tables of the peers. Delete everything afterwards.

    Args:
        sites: checkouts of mlsite.
        workload: image or row; None for both.
        has_eventless: add this checkout without the events of predictions.
    """
    binaries = postgres.find_binaries()
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    with (
        tempfile.TemporaryDirectory(prefix="mlsite-bench-") as temporary,
        postgres.run_cluster(binaries, fsync=True) as cluster,
    ):
        folder = Path(temporary)
        models = folder / "models"
        models.mkdir()
        subprocess.run([PEER_PYTHON, "-m", "benchmarks.artifacts", str(models)], cwd=ROOT, check=True, capture_output=True)
        contenders = []
        for site in sites:
            key = SITE_KEY if site == ROOT else f"{SITE_KEY} {site.name}"
            contenders += build_site(key, site, folder / key, cluster.url)
        if has_eventless:
            options = {"application": EVENTLESS_APPLICATION, "title": EVENTLESS_TITLE}
            contenders += build_site(EVENTLESS_KEY, ROOT, folder / EVENTLESS_KEY, cluster.url, **options)
        contenders += [build_peer(peer, folder / peer.key, cluster.url, models) for peer in PEERS if peer.key in peer_keys]
        yield Comparison(cluster, [each for each in contenders if workload in (None, each.workload)])


@contextmanager
def run_servers(servers: Sequence[Server]) -> Iterator[None]:
    """Start each server once, and wait for all of them. Stop them afterwards."""
    different = list({id(server): server for server in servers}.values())
    with ExitStack() as stack:
        for server in different:
            stack.callback(server.stop)
            server.start()
        for server in different:
            server.wait_until_ready()
        yield


def order_rounds(contenders: Sequence[Contender], rounds: int) -> list[list[Contender]]:
    """Return the contenders of each round: in order, then in reverse, and so on."""
    return [list(contenders) if number % 2 == 0 else list(reversed(contenders)) for number in range(rounds)]


def format_sample(contender: Contender, sample: Sample) -> str:
    cells = f"{sample.rate:.0f}", f"{sample.p50_ms:.1f}", f"{sample.p99_ms:.1f}"
    times = f"{sample.server_ms:.2f}", f"{sample.database_ms:.2f}", f"{sample.get_cpu_ms():.2f}"
    return LINE.format(contender.workload, contender.title, *cells, *times, f"{sample.memory_bytes / 1e6:.0f}")


def compute_ratios(ours: Sequence[Sample], theirs: Sequence[Sample], read: Callable[[Sample], float]) -> list[float]:
    """Return the ratio of each round, from lowest to highest."""
    return sorted(read(our) / read(their) for our, their in zip(ours, theirs, strict=True))


def format_ratios(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def list_ratios(results: Results) -> Iterator[tuple[str, str, str, list[float]]]:
    """Yield the workload, the keys of a site and of another contender, and the ratios of their CPU times."""
    for (workload, key), samples in results.items():
        for (other_workload, other), others in results.items():
            if workload == other_workload and key.startswith(SITE_KEY) and other not in (key, SITE_KEY):
                yield workload, key, other, compute_ratios(samples, others, Sample.get_cpu_ms)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--site", type=Path, action="append", default=[], help="another checkout of mlsite; can be repeated")
    parser.add_argument("--peers", nargs="*", default=["image-expert", "row-flask"], choices=[peer.key for peer in PEERS])
    parser.add_argument("--without-events", action="store_true", help="add this checkout without the events of predictions")
    parser.add_argument("--workload", choices=["image", "row"], help="measure only images, or only rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="duration of each measurement")
    parser.add_argument("--restart", action="store_true", help="run one server at a time")
    options = parser.parse_args()
    sites = [site.resolve() for site in options.site] or [ROOT]
    wrk.check_installed()
    prepared = prepare(sites, options.peers, options.workload, has_eventless=options.without_events)
    with prepared as comparison, ExitStack() as stack:
        if not options.restart:
            stack.enter_context(comparison.keep_running())
        results = comparison.run(rounds=options.rounds, seconds=options.seconds)
    print("\nCPU of server and database per prediction, ratio: median and range of the rounds")
    for workload, key, other, ratios in list_ratios(results):
        print(f"{workload:6} {key} / {other}: {format_ratios(ratios)}")


if __name__ == "__main__":
    sys.exit(main())
