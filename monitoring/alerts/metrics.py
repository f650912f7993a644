"""The metrics that alert rules compare with thresholds, with their units and default thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.formatting import format_duration, format_milliseconds, format_percent, localize_number
from monitoring.windows import DAY, HOUR

FREQUENT = timedelta(minutes=5)  # between two evaluations of metrics that are cheap to read
MIN_PREDICTIONS = 30  # in a window. With fewer, shares, quantiles, and means change by chance


@dataclass(frozen=True, slots=True)
class Unit:
    """How to write a value, and how people enter a threshold.

    Args:
        symbol: the unit of the form field.
        factor: the value in the unit of the form field, divided by the stored value.
        maximum: the largest stored value that makes sense, or None.
    """

    format: Callable[[float], str]
    symbol: str | Promise
    factor: float = 1
    maximum: float | None = None


def format_points(value: float) -> str:
    """Return 0.052 as `5.2 percentage points`."""
    return gettext("%(number)s percentage points") % {"number": localize_number(f"{value * 100:.1f}")}


SHARE = Unit(format_percent, "%", factor=100, maximum=1)
POINTS = Unit(format_points, _("percentage points"), factor=100, maximum=1)
MILLISECONDS = Unit(format_milliseconds, "ms")
MINUTES = Unit(format_duration, _("minutes"), factor=1 / 60)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, with the thresholds of its default rule.

    Args:
        description: what is measured, as a sentence.
        is_low_bad: whether alerts open at values below the threshold, instead of above it.
        is_per_model: whether each model has a value, instead of the site.
        interval: between two evaluations.
        threshold: the value at which an alert opens.
        resolve_threshold: the value at which it resolves.
        opens_after, resolves_after: the number of consecutive evaluations that must agree.
        advice: what to do about an alert, as a sentence.
    """

    name: str
    title: str | Promise
    description: str | Promise
    advice: str | Promise
    unit: Unit
    interval: timedelta
    threshold: float
    resolve_threshold: float
    opens_after: int = 2
    resolves_after: int = 2
    is_low_bad: bool = False
    is_per_model: bool = True

    @property
    def interval_text(self) -> str:
        """Return how often the metric is evaluated, as a sentence."""
        if self.interval == FREQUENT:
            return gettext("Evaluated every five minutes.")
        return gettext("Evaluated every day.") if self.interval == DAY else gettext("Evaluated every hour.")

    def is_breached(self, value: float, threshold: float) -> bool:
        """Return whether a value is so bad that an alert opens."""
        return value <= threshold if self.is_low_bad else value >= threshold

    def is_recovered(self, value: float, resolve_threshold: float) -> bool:
        """Return whether a value is so good that an alert resolves."""
        return value >= resolve_threshold if self.is_low_bad else value <= resolve_threshold

    def is_worse(self, value: float, other: float) -> bool:
        return value < other if self.is_low_bad else value > other

    def describe_threshold(self, threshold: float) -> str:
        """Return the condition of a threshold, such as `at least 10.0%`."""
        text = gettext("at most %(value)s") if self.is_low_bad else gettext("at least %(value)s")
        return text % {"value": self.unit.format(threshold)}

    def describe_resolve_threshold(self, threshold: float) -> str:
        """Return the condition under which an alert resolves, such as `at most 5.0%`."""
        text = gettext("at least %(value)s") if self.is_low_bad else gettext("at most %(value)s")
        return text % {"value": self.unit.format(threshold)}


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "failure_rate",
            _("Failure rate"),
            _("Share of the predictions of the last hour that failed."),
            _("Read the most frequent error code on the operations page, and the log of the server."),
            SHARE,
            HOUR,
            threshold=0.1,
            resolve_threshold=0.05,
            opens_after=1,
        ),
        Metric(
            "latency",
            _("Latency"),
            _("95th percentile of the latency of the last hour: preprocessing, queue, and inference together."),
            _("Compare the load with that of the previous days. Add processes or machines if the queue is the cause."),
            MILLISECONDS,
            HOUR,
            threshold=2000,
            resolve_threshold=1500,
        ),
        Metric(
            "volume",
            _("Volume"),
            _("Predictions of the last 24 hours, as a share of the same 24 hours one week earlier."),
            _("Check that the clients of the model can reach the site."),
            SHARE,
            HOUR,
            threshold=0.5,
            resolve_threshold=0.7,
            is_low_bad=True,
        ),
        Metric(
            "confidence",
            _("Drop in confidence"),
            _("Mean confidence of the last 24 hours, compared with the 7 days before: the difference in percentage points."),
            _("Look at the predictions with the lowest confidence, and review some of them."),
            POINTS,
            HOUR,
            threshold=0.05,
            resolve_threshold=0.02,
        ),
        Metric(
            "drift",
            _("Drift"),
            _("Share of the fields of the production version that drifted in the last 7 days, compared with the 7 before."),
            _("Open the section Drift of the operations page, and compare the fields that changed."),
            SHARE,
            DAY,
            threshold=0.5,
            resolve_threshold=0.3,
        ),
        Metric(
            "backlog",
            _("Backlog"),
            _("Age of the oldest queued prediction or batch job that no worker is running."),
            _("Check that the server, or a Celery worker and Celery beat, are running. Add workers if all are busy."),
            MINUTES,
            FREQUENT,
            threshold=900,
            resolve_threshold=300,
            is_per_model=False,
        ),
        Metric(
            "event_lag",
            _("Event lag"),
            _("Age of the oldest event that a relay or a sink has not delivered. Webhooks of users do not count."),
            _("Read the error of the sink on the operations page, and check that the server or a relay is running."),
            MINUTES,
            FREQUENT,
            threshold=900,
            resolve_threshold=300,
            is_per_model=False,
        ),
        Metric(
            "disk",
            _("Free disk space"),
            _("Free share of the disk that stores the inputs or the other files of the site, whichever has less."),
            _("Delete files that are not needed, or add space. Without space, predictions with images are rejected."),
            SHARE,
            FREQUENT,
            threshold=0.1,
            resolve_threshold=0.15,
            is_low_bad=True,
            is_per_model=False,
        ),
    )
}
METRIC_CHOICES = [(metric.name, metric.title) for metric in METRICS.values()]
MODEL_METRIC_CHOICES = [(metric.name, metric.title) for metric in METRICS.values() if metric.is_per_model]
