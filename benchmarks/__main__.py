"""Compare mlsite with all programs in peers/ and write RESULTS.md: python -m benchmarks

One server runs at a time. It is started, warmed up, measured, and stopped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

from benchmarks import wrk
from benchmarks.batches import build_batch_section, measure_batches
from benchmarks.comparison import prepare
from benchmarks.contenders import PEER_PYTHON, PEERS
from benchmarks.limits import measure_bare_models, measure_inserts
from benchmarks.payloads import ROOT
from benchmarks.report import build_report

RESULTS = Path(__file__).with_name("RESULTS.md")
PGBENCH_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="duration of each measurement")
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: %(default)s")
    options = parser.parse_args()
    wrk.check_installed()
    models = measure_bare_models()
    with prepare([ROOT], [peer.key for peer in PEERS], has_eventless=True) as comparison:
        inserts = measure_inserts(comparison.cluster, PGBENCH_SECONDS)
        results = comparison.run(rounds=options.rounds, seconds=options.seconds)
        titles = {contender.key: contender.title for contender in comparison.contenders}
    batches = measure_batches(rounds=options.rounds, seconds=options.seconds)
    report = build_report(results, titles, models, inserts, read_versions(), seconds=options.seconds)
    report += "\n" + build_batch_section(batches, seconds=options.seconds)
    options.output.write_text(report)
    print(f"\n{report}\nWritten to {options.output}")


def read_versions() -> dict[str, str]:
    """Return the versions of all libraries of the programs, by name in lower case."""
    command = [PEER_PYTHON, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {package["name"].lower(): package["version"] for package in packages}


if __name__ == "__main__":
    main()
