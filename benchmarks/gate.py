"""Compare mlsite with one program per workload, and fail if its CPU time has risen: python -m benchmarks.gate"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from benchmarks import wrk
from benchmarks.comparison import SITE_KEY, compute_ratios, format_ratios, prepare
from benchmarks.contenders import PEERS
from benchmarks.measurement import Sample
from benchmarks.payloads import ROOT

RECORDED = Path(__file__).with_name("recorded.toml")
COMPARED = {"image": "image-expert", "row": "row-flask"}
TITLES = {peer.workload: peer.title for peer in PEERS if peer.key in COMPARED.values()}
TOLERANCE = 0.15  # share by which a ratio can exceed the recorded one
MAX_ATTEMPTS = 3  # a busy machine can spoil one attempt, but does not make the program faster: the best attempt counts
COMMENT = (
    "# CPU time of server and database per stored prediction, mlsite divided by the other program: the highest ratio of the "
    "rounds.\n# Written by `make bench-record`.\n"
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help=f"write the ratios to {RECORDED.name} instead of checking them"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="duration of each measurement")
    options = parser.parse_args()
    wrk.check_installed()

    with prepare([ROOT], list(COMPARED.values())) as comparison, comparison.keep_running():

        def attempt(summarize: Callable[[list[float]], float] = median) -> dict[str, float]:
            results = comparison.run(rounds=options.rounds, seconds=options.seconds)
            ratios = {
                workload: compute_ratios(results[workload, SITE_KEY], results[workload, peer], Sample.get_cpu_ms)
                for workload, peer in COMPARED.items()
            }
            for workload, values in ratios.items():
                print(f"{workload}: {SITE_KEY} / {TITLES[workload]}: {format_ratios(values)}", flush=True)
            return {workload: summarize(values) for workload, values in ratios.items()}

        if options.record:
            RECORDED.write_text(format_recorded(attempt(max)))  # the limit must hold on other machines, too
            return 0
        recorded = tomllib.loads(RECORDED.read_text())
        best = find_best(attempt, recorded)
    for workload, ratio in best.items():
        print(describe(workload, ratio, recorded[workload]))
    return 1 if find_exceeded(best, recorded) else 0


def find_best(attempt: Callable[[], dict[str, float]], recorded: Mapping[str, float]) -> dict[str, float]:
    """Return the lowest ratio of each workload. Stop as soon as no ratio exceeds the limit."""
    best = attempt()
    for _ in range(MAX_ATTEMPTS - 1):
        if not find_exceeded(best, recorded):
            break
        print("A ratio is too high. Measuring again.", flush=True)
        ratios = attempt()
        best = {workload: min(ratio, ratios[workload]) for workload, ratio in best.items()}
    return best


def find_exceeded(ratios: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """Return the workloads whose ratio is more than the tolerance above the recorded one."""
    return [workload for workload, ratio in ratios.items() if ratio > recorded[workload] * (1 + TOLERANCE)]


def describe(workload: str, ratio: float, recorded: float) -> str:
    limit = recorded * (1 + TOLERANCE)
    if ratio > limit:
        return f"{workload}: FAILED. The ratio is {ratio:.2f}. The limit is {limit:.2f}, the recorded ratio {recorded:.2f}."
    hint = " To record the improvement, run: make bench-record" if ratio < recorded * (1 - TOLERANCE) else ""
    return f"{workload}: passed. The ratio is {ratio:.2f}. The limit is {limit:.2f}.{hint}"


def format_recorded(ratios: Mapping[str, float]) -> str:
    return COMMENT + "".join(f"{workload} = {ratio:.2f} # {TITLES[workload]}\n" for workload, ratio in ratios.items())


if __name__ == "__main__":
    sys.exit(main())
