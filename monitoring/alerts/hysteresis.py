"""When an alert opens and resolves: after several consecutive evaluations beyond a threshold, with a second threshold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from monitoring.alerts.metrics import Metric
from monitoring.windows import DAY

NO_DATA_AFTER = DAY  # an alert without a new value for this long resolves
HISTORY_LENGTH = 24  # values
REMINDER_INTERVAL = DAY - timedelta(minutes=10)  # the evaluations of an hour or a day start some minutes earlier or later
MAX_COUNT = 1000  # the number of evaluations in a row that are counted

Change = Literal["", "open", "recovered", "no-data"]


class Rule(Protocol):
    """The thresholds of a metric, and how many consecutive evaluations must agree. See `AlertRule`."""

    threshold: float
    resolve_threshold: float
    opens_after: int
    resolves_after: int

    @property
    def definition(self) -> Metric: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of consecutive evaluations beyond the threshold, and of those that have recovered."""

    breaches: int = 0
    recoveries: int = 0


def count_evaluation(rule: Rule, counts: Counts, value: float | None) -> Counts:
    """Return the counts after one more evaluation. One without a value changes nothing: missing data is no alert."""
    if value is None:
        return counts
    is_breached = rule.definition.is_breached(value, rule.threshold)
    is_recovered = rule.definition.is_recovered(value, rule.resolve_threshold) and not is_breached
    return Counts(
        min(counts.breaches + 1, MAX_COUNT) if is_breached else 0,
        min(counts.recoveries + 1, MAX_COUNT) if is_recovered else 0,
    )


def decide_change(rule: Rule, counts: Counts, *, is_open: bool, age: timedelta) -> Change:
    """Return what happens to the alert, or an empty string if nothing does.

    Args:
        age: of the last value.
    """
    if not is_open:
        return "open" if counts.breaches >= rule.opens_after else ""
    if counts.recoveries >= rule.resolves_after:
        return "recovered"
    return "no-data" if age >= NO_DATA_AFTER else ""


def append_value(history: list[float | None], value: float | None) -> list[float | None]:
    """Return the last values with one more."""
    return [*history, value][-HISTORY_LENGTH:]


def is_notification_due(notified_at: datetime | None, now: datetime) -> bool:
    """Return whether to send a notification about an open alert: none was sent yet, or the last one is about a day old."""
    return notified_at is None or now - notified_at >= REMINDER_INTERVAL
