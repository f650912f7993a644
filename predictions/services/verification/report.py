"""The result of a verification of the store: what was checked, and what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from django.db.models import Model, QuerySet

T = TypeVar("T", bound=Model)

MAX_LISTED_BREACHES = 1000  # of each invariant. More are only counted.
CHUNK_ROWS = 500

ADVICE = {
    "I1": "An acknowledged prediction is lost, stored twice, or different. Restore the database from a backup. Check that "
    "fsync and synchronous_commit of the database are on.",
    "I2": "A file is missing, damaged, or cannot be read. Check the disk, and restore it from a backup of MEDIA_ROOT.",
    "I3": "A rejected request has stored a prediction. Report this as a bug.",
    "I4": "A request is stored more than once. Report this as a bug.",
    "I5": "A row is incomplete, or background work is overdue. Check that a worker or the server is running.",
    "I6": "A crash has left files without a row. Delete them: manage.py sweep_media",
    "I7": "A crash has left temporary or empty files. Delete them: manage.py sweep_media",
    "I8": "A stored latency is longer than the request. Report this as a bug.",
    "I9": "A prediction names another model version than the one that ran. Report this as a bug.",
    "I10": "The response that is stored for an Idempotency-Key names a row that does not exist. Restore the database.",
    "I11": "A final prediction has no event, or another one, so other systems did not receive it. Report this as a bug, "
    "unless an older version of mlsite was still running after the migration.",
    "I12": "A row refers to a row that does not exist. The database is damaged, or was changed without its constraints. "
    "Restore it from a backup.",
    "I13": "The label, the confidence, or the value of a prediction differs from its output. The database is damaged, or "
    "was changed without its triggers. Restore it from a backup.",
}
"""What to do about each invariant. `docs/operate.md` describes them."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One violation of an invariant.

    Args:
        invariant: a key of `ADVICE`.
        id: the ID of the row, or the name of the file.
        reference: the `client_reference` of the request in the journal.
    """

    invariant: str
    message: str
    id: str = ""
    reference: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the breach as a JSON object, without empty fields."""
        values = {"invariant": self.invariant, "id": self.id, "reference": self.reference, "message": self.message}
        return {name: value for name, value in values.items() if value}


@dataclass(slots=True)
class Report:
    """The numbers of checked objects by kind, the breaches, and their numbers by invariant."""

    checked: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)
    breach_counts: Counter[str] = field(default_factory=Counter)

    def add(self, invariant: str, message: str, *, id: object = "", reference: str = "") -> None:
        """Record a breach."""
        self.breach_counts[invariant] += 1
        if self.breach_counts[invariant] <= MAX_LISTED_BREACHES:
            self.breaches.append(Breach(invariant, message, str(id), reference))

    def to_dict(self) -> dict[str, object]:
        """Return the report as a JSON object."""
        return {
            "checked": dict(self.checked),
            "breaches": [breach.to_dict() for breach in self.breaches],
            "breach_counts": dict(self.breach_counts),
        }


def iterate_chunks(rows: QuerySet[T]) -> Iterator[list[T]]:
    """Yield lists of rows in the order of their primary key. Each list is a query, so that no query takes long."""
    rows = rows.order_by("pk")
    chunk = list(rows[:CHUNK_ROWS])
    while chunk:
        yield chunk
        chunk = list(rows.filter(pk__gt=chunk[-1].pk)[:CHUNK_ROWS])
