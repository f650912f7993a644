"""Run the faults, record their results, and write `docs/reliability.md`: python -m mlsite.tests.faults

Environment variables: `FAULTS` (IDs; default: all), `FAULT_ROUNDS` (default: 20), and `FAULT_PROCESSES` (default: 2).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from mlsite.tests.faults.background import IDS
from mlsite.tests.faults.record import read_record, replace_results, write_record
from mlsite.tests.faults.report import write_page
from mlsite.tests.faults.results import read_results
from mlsite.tests.site import ROOT

FOLDER = ROOT / "var" / "faults"
DEFAULT_ROUNDS = 20
BACKGROUND_TESTS = "mlsite/tests/test_background_faults.py"


def run_pytest(prepared: str, *arguments: str) -> int:
    """Run tests whose results are written to the folder. Return the exit status.

    Args:
        prepared: the folder in which test processes share prepared sites.
    """
    processes = os.environ.get("FAULT_PROCESSES", "2")
    command = [sys.executable, "-m", "pytest", "-q", "-n", processes, "--dist", "loadgroup", "--tb", "short", *arguments]
    rounds = os.environ.get("FAULT_ROUNDS") or str(DEFAULT_ROUNDS)
    environment = {**os.environ, "FAULT_RESULTS": str(FOLDER), "FAULT_ROUNDS": rounds, "FAULT_PREPARED": prepared}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    selected = set(os.environ.get("FAULTS", "").split())
    for path in FOLDER.glob("F*.json"):
        path.unlink()
    with tempfile.TemporaryDirectory(prefix="mlsite-faults-") as prepared:
        statuses = [run_pytest(prepared, "-m", "faults", *(["mlsite/tests/faults"] if selected else []))]
        if not selected or selected & set(IDS):
            # Without a selection, the tests marked with both have run above.
            marks = "services" if selected else "services and not faults"
            statuses.append(run_pytest(prepared, "-m", marks, BACKGROUND_TESTS))
    results = replace_results(read_record() if selected else [], read_results(FOLDER))
    write_record(results)
    write_page(results)
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
