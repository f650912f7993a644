"""Endpoint `/metrics`: the metrics of all worker processes in the Prometheus text format."""

from __future__ import annotations

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission


class CanReadMetrics(BasePermission):
    """Allow staff users, and all clients if `METRICS_PUBLIC` is set."""

    def has_permission(self, request: HttpRequest, view: object) -> bool:
        return settings.METRICS_PUBLIC or bool(request.user and request.user.is_staff)


@never_cache
@api_view(["GET"])
@permission_classes([CanReadMetrics])
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(_build_registry()), content_type=CONTENT_TYPE_LATEST)


metrics.cls.schema = None  # not part of the API schema


def _build_registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
