"""The newest result of each fault and database, in `recorded.json`. The page is written from it.

A run of some faults replaces their results only. Delete a line to remove a result from the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from mlsite.tests.faults.results import Result, sort_results

RECORD = Path(__file__).with_name("recorded.json")


def read_record(path: Path = RECORD) -> list[Result]:
    """Return the recorded results, or none if there is no record."""
    return [Result(**fields) for fields in json.loads(path.read_text())] if path.exists() else []


def write_record(results: Iterable[Result], path: Path = RECORD) -> None:
    """Write results, one per line, so that a change of one result changes one line."""
    lines = (json.dumps(asdict(result), ensure_ascii=False) for result in results)
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def replace_results(recorded: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """Return all results, with the new one of each fault, name, and database if there is one."""
    results = {(result.fault, result.name, result.database): result for result in [*recorded, *new]}
    return sort_results(results.values())
