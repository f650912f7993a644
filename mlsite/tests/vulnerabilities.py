"""Compare the pinned dependencies with known vulnerabilities: python -m mlsite.tests.vulnerabilities

pip-audit gets them from PyPI. Without access to PyPI, there is nothing to compare with: the command states that and passes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
PROBE = "Django"  # whether there is a source is known after one package
SOURCE_SECONDS = 30.0
AUDIT_SECONDS = 300.0
NO_SOURCE = "There is no source of vulnerabilities: PyPI does not respond. The dependencies were not checked."

Report = list[dict[str, Any]]


def audit(requirements: Path, seconds: float) -> Report:
    """Return the report of pip-audit for pinned requirements: one object per package. It is empty if there is no source."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        report: Report = json.loads(process.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return []
    return report


def summarize(report: Report) -> tuple[list[str], bool]:
    """Return the lines to print, and whether the check has passed."""
    checked = [package for package in report if "vulns" in package]
    if not checked:
        return [NO_SOURCE], True
    lines = [
        f"{package['name']} {package['version']}: {vulnerability['id']}. "
        f"Fixed in: {', '.join(vulnerability['fix_versions']) or 'no version'}."
        for package in checked
        for vulnerability in package["vulns"]
    ]
    summary = f"{len(checked)} packages checked, {len(report) - len(checked)} unknown to PyPI, {len(lines)} vulnerabilities."
    return [*lines, summary], not lines


def main() -> int:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as probe:
        probe.write(next(line for line in CONSTRAINTS.read_text().splitlines() if line.startswith(f"{PROBE}==")))
        probe.flush()
        report = audit(Path(probe.name), SOURCE_SECONDS)
    if any("vulns" in package for package in report):
        report = audit(CONSTRAINTS, AUDIT_SECONDS)
    lines, has_passed = summarize(report)
    print(*lines, sep="\n")
    return 0 if has_passed else 1


if __name__ == "__main__":
    sys.exit(main())
