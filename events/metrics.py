"""Metrics of events for `/metrics`, read from the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from events.status import get_event_status


class EventCollector(Collector):
    """Read the state of the deliveries. The values are those of all processes."""

    def collect(self) -> Iterator[Metric]:
        try:
            status = get_event_status()
        except (DatabaseError, InterfaceError):
            return  # the other metrics do not need the database
        pending = GaugeMetricFamily("mlsite_events_pending", "Events that are not delivered yet.", labels=["target"])
        lag = GaugeMetricFamily("mlsite_events_lag_seconds", "Age of the oldest pending event.", labels=["target"])
        delivered = CounterMetricFamily("mlsite_events_delivered", "Delivered events.", labels=["target"])
        failed = CounterMetricFamily("mlsite_events_failed", "Events that failed for good.", labels=["target"])
        for report in (status.new, *status.targets):
            pending.add_metric([report.name], report.pending)
            lag.add_metric([report.name], report.lag_seconds)
        for report in status.targets:
            delivered.add_metric([report.name], report.delivered_total)
            failed.add_metric([report.name], report.failed_total)
        yield from (pending, lag, delivered, failed)
