"""Write the recorded results of faults to `docs/reliability.md`: python -m mlsite.tests.faults.report"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mlsite.tests.faults.record import read_record
from mlsite.tests.faults.results import Result
from mlsite.tests.site import ROOT

PAGE = ROOT / "docs" / "reliability.md"
START, END = "<!-- results of make faults -->", "<!-- end of results -->"
MAX_LINE_CHARACTERS = 120
COLUMNS = ("Fault", "Database", "Rounds", "Acked", "Lost", "Duplicated", "Mismatched", "Other", "Recovery", "Bound")


def write_page(results: Sequence[Result], page: Path = PAGE) -> None:
    """Replace the results in the page."""
    text = page.read_text()
    head, _, rest = text.partition(START)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{START}\n\n{build_section(results)}\n{END}{tail}")


def build_section(results: Sequence[Result]) -> str:
    """Return the results as Markdown."""
    run = [result for result in results if not result.not_run]
    parts = [
        describe_measurement(run),
        build_table(run),
        describe_total(run),
        *build_list("### Criteria", dict.fromkeys(f"{r.fault} {r.name}: {r.bar}." for r in run if r.bar)),
        *build_list("### Missed criteria", (f"{label(r)}: {miss}" for r in run for miss in shorten(r.misses))),
        *build_list("### Breaches", (f"{label(r)}: {breach}" for r in run for breach in shorten(r.breaches))),
        *build_list("### Responses and notes", (f"{label(r)}: {', '.join(shorten(r.notes))}" for r in run if r.notes)),
        *build_list("### Not run", list_not_run(results)),
    ]
    return "\n".join(parts)


def describe_measurement(results: Sequence[Result]) -> str:
    """Return a paragraph about the dates, the machines, and how busy they were."""
    dates, machines = (sorted({getattr(result, name) for result in results}) for name in ("date", "machine"))
    text = f"Measured with `make faults` on {' and '.join(dates)}. Hardware and system: {'; '.join(machines)}."
    averages = [result.load_average for result in results if result.load_average is not None]
    if averages:
        text += f" Load averages, with the load of the faults: {min(averages):.0f} to {max(averages):.0f}."
    return textwrap.fill(text, MAX_LINE_CHARACTERS) + "\n"


def build_table(results: Iterable[Result]) -> str:
    """Return one row for each fault and database."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for result in results:
        recovery = "-" if result.recovery_seconds is None else f"{result.recovery_seconds:.1f} s"
        counts = (result.rounds, result.acknowledged, result.lost, result.doubled, result.mismatched, result.other)
        cells = (f"{result.fault} {result.name}", result.database, *(f"{count:,}" for count in counts))
        lines.append("| " + " | ".join((*cells, recovery, result.describe_bound())) + " |")
    return "\n".join(lines) + "\n"


def describe_total(results: Sequence[Result]) -> str:
    """Return a sentence about all rounds together."""
    rounds, acknowledged = (sum(getattr(each, name) for each in results) for name in ("rounds", "acknowledged"))
    total = Result("", "", "", rounds, other=sum(each.breach_count for each in results))
    bound = "" if total.other else f" With 95% confidence, at most {total.describe_bound()} of rounds have a breach."
    return f"In total, {rounds:,} rounds, {acknowledged:,} acknowledged predictions, and {total.other:,} breaches.{bound}\n"


def build_list(heading: str, items: Iterable[str]) -> Iterator[str]:
    """Yield a section with a list, or nothing if there are no items."""
    lines = [f"- {item}" for item in items]
    if lines:
        yield "\n".join([heading, "", *lines, ""])


def list_not_run(results: Iterable[Result]) -> Iterator[str]:
    """Yield the faults that were not run, and why."""
    sys.path.append(str(ROOT / "clients" / "python" / "src"))  # of the client that the faults use
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.tests.settings")
    from mlsite.tests.faults.injections import FAULTS

    found = {(result.fault, result.database): result for result in results}
    for fault in FAULTS.values():
        for database in fault.databases:
            result = found.get((fault.id, database))
            if result is None or result.not_run:
                yield f"{fault.id} {fault.name}, {database}: {result.not_run if result else 'no result of this version'}."


def shorten(texts: Iterable[str], count: int = 5, length: int = 160) -> list[str]:
    """Return the first different texts, without line breaks and Markdown."""
    different = list(dict.fromkeys(" ".join(text.split()) for text in texts))
    return [text[:length].replace("|", "/").replace("<", "(").replace(">", ")") for text in different[:count]]


def label(result: Result) -> str:
    return f"{result.fault} {result.name}, {result.database}"


if __name__ == "__main__":
    write_page(read_record())
