"""Read the newest review summaries of a version, for charts and lists of errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.sql import execute_query
from predictions.models import Review
from predictions.models.summaries import PICKED_BY_BITS

MAX_SAMPLE_ROWS = 5000  # about 20 ms to read and 50 ms for the charts
READ_NEWEST = f"""
SELECT prediction_id, created_at, verdict, confidence, value, true_value, picked_by
FROM summaries WHERE (verdict <> '' OR true_value IS NOT NULL) AND (%s = 0 OR (picked_by & %s) <> 0)
ORDER BY created_at DESC LIMIT {MAX_SAMPLE_ROWS}
"""  # noqa: S608  the number is a constant of this project


class SampleRow(NamedTuple):
    """A reviewed prediction. The fields are those of `ReviewSummary`."""

    prediction: UUID
    created_at: datetime
    verdict: str
    confidence: float | None
    value: float | None
    true_value: float | None
    picked_by: int

    @property
    def is_random(self) -> bool:
        return bool(self.picked_by & PICKED_BY_BITS[Review.PickedBy.RANDOM])

    @property
    def is_correct(self) -> bool:
        return self.verdict == "correct"

    @property
    def error(self) -> float | None:
        """Return the predicted minus the true value."""
        return None if self.value is None or self.true_value is None else self.value - self.true_value


def read_sample(summaries: tuple[str, Sequence[Any]], *, picked_by: str = "") -> list[SampleRow]:
    """Return the newest decided predictions, the newest first. For the arguments, see `count_reviews`."""
    sql, parameters = summaries
    bit = PICKED_BY_BITS[picked_by] if picked_by else 0
    rows = execute_query(sql + READ_NEWEST, [*parameters, bit, bit])
    return [SampleRow(UUID(str(pk)), _parse_time(created_at), *rest) for pk, created_at, *rest in rows]


def _parse_time(value: datetime | str) -> datetime:
    """Return a time of the database. SQLite has texts in UTC without a time zone."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)
