"""Endpoint `/metrics`: the metrics of all worker processes in the Prometheus text format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission

from accounts.authentication import ScopePermission
from accounts.permissions import VIEW_OPERATIONS, has_permission
from events.metrics import EventCollector
from mlsite.metrics_folder import lock_metrics
from monitoring.alerts.digest import count_open_alerts
from predictions.queue_status import get_queue_status


class BackgroundCollector(Collector):
    """Read the queue of background work from the database, once per scrape. The gauges are those of all processes."""

    def collect(self) -> Iterator[Metric]:
        try:
            queue = get_queue_status()
        except (DatabaseError, InterfaceError):
            return  # the other metrics do not need the database
        items = GaugeMetricFamily(
            "mlsite_background_items", "Queued predictions and open batch jobs.", labels=["kind", "state"]
        )
        oldest = GaugeMetricFamily(
            "mlsite_background_oldest_seconds", "Age of the oldest item that no worker is running.", labels=["kind"]
        )
        for kind, length in (("prediction", queue.predictions), ("batch_job", queue.batch_jobs)):
            items.add_metric([kind, "waiting"], length.waiting)
            items.add_metric([kind, "running"], length.running)
            oldest.add_metric([kind], length.oldest_seconds or 0.0)
        yield items
        yield oldest


class AlertCollector(Collector):
    """Count the open alerts by rule, once per scrape. Each rule has a sample, so that a rule without alerts is 0."""

    def collect(self) -> Iterator[Metric]:
        try:
            counts = count_open_alerts()
        except (DatabaseError, InterfaceError):
            return
        alerts = GaugeMetricFamily("mlsite_alerts_open", "Open alerts.", labels=["rule"])
        for rule, count in counts.items():
            alerts.add_metric([rule], count)
        yield alerts


class CanReadMetrics(BasePermission):
    """Allow users with the permission to view the operations page, and all clients if `METRICS_PUBLIC` is set."""

    def has_permission(self, request: HttpRequest, view: object) -> bool:
        return settings.METRICS_PUBLIC or has_permission(request.user, VIEW_OPERATIONS)


@never_cache
@api_view(["GET"])
@permission_classes([CanReadMetrics, ScopePermission])
def metrics(request: HttpRequest) -> HttpResponse:
    background = CollectorRegistry()
    background.register(BackgroundCollector())
    background.register(AlertCollector())
    background.register(EventCollector())
    content = _read_processes() + generate_latest(background)
    return HttpResponse(content, content_type=CONTENT_TYPE_LATEST)


metrics.cls.schema = None  # not part of the API schema


def _read_processes() -> bytes:
    """Return the metrics of all worker processes, or of this process if it is not one of several."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    with lock_metrics(Path(folder)):
        return generate_latest(registry)
