"""Results of faults as JSON files, one per fault and database."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

CONFIDENCE_EVENTS = 3  # the rule of three: no event in n rounds bounds the rate below 3 / n, with a confidence of 95 %


def describe_machine() -> str:
    """Return the number of processors, the memory, and the system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {system}"


@dataclass(slots=True)
class Result:
    """What happened in the rounds of one fault.

    Args:
        lost, doubled, mismatched, other: numbers of breaches of the store, by kind.
        recovery_seconds: the longest time from the end of a fault to the next success.
        misses: the parts of the criterion that were not met.
        not_run: why the fault was not run.
        bar: the criterion of the fault, in addition to no breach in the store.
        load_average: of the last five minutes, when the fault ended. It includes the load of the fault.
    """

    fault: str
    name: str
    database: str
    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    mismatched: int = 0
    other: int = 0
    recovery_seconds: float | None = None
    seconds: float = 0.0
    misses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    not_run: str = ""
    bar: str = ""
    date: str = field(default_factory=lambda: time.strftime("%Y-%m-%d", time.gmtime()))
    machine: str = field(default_factory=describe_machine)
    load_average: float | None = None

    @property
    def breach_count(self) -> int:
        return self.lost + self.doubled + self.mismatched + self.other

    def count_breaches(self, breaches: Iterable[Mapping[str, str]]) -> None:
        """Add the breaches of `manage.py verify_store --json`."""
        for breach in breaches:
            kind = classify(breach)
            setattr(self, kind, getattr(self, kind) + 1)
            self.breaches.append(f"{breach['invariant']}: {breach['message']}")

    def describe_bound(self) -> str:
        """Return the upper bound of the rate of rounds with a breach, rounded up, or a dash if there was a breach."""
        if not self.rounds or self.breach_count:
            return "-"
        return f"{min(1.0, math.ceil(1000 * CONFIDENCE_EVENTS / self.rounds) / 1000):.1%}"


def classify(breach: Mapping[str, str]) -> str:
    """Return the column of the result table in which a breach is counted."""
    message = breach["message"]
    if re.search(r"stored 0 times", message) or (breach["invariant"] == "I2" and "is missing" in message):
        return "lost"
    if re.search(r"stored \d+ times|more than once", message):
        return "doubled"
    return "mismatched" if breach["invariant"] in ("I1", "I2", "I9") else "other"


def get_folder() -> Path | None:
    """Return the folder for results, or None if none are recorded."""
    folder = os.environ.get("FAULT_RESULTS")
    return Path(folder) if folder else None


def write_result(result: Result) -> None:
    """Write a result to the folder for results, if there is one."""
    if folder := get_folder():
        folder.mkdir(parents=True, exist_ok=True)
        result.load_average = round(os.getloadavg()[1], 1)
        path = folder / f"{result.fault}-{result.database}.json"
        path.write_text(json.dumps(asdict(result), indent=1) + "\n")


def read_results(folder: Path) -> list[Result]:
    """Return all results in a folder."""
    return sort_results(Result(**json.loads(path.read_text())) for path in folder.glob("F*.json"))


def sort_results(results: Iterable[Result]) -> list[Result]:
    """Return results in the order of the numbers of their faults, those on SQLite first."""
    return sorted(
        results, key=lambda result: (int(re.sub(r"\D", "", result.fault)), result.database != "SQLite", result.name)
    )
