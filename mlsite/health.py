"""Health checks of one worker process: `/healthz` (liveness) and `/readyz` (readiness)."""

from __future__ import annotations

import threading
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.availability import bucket_check, is_schema_error, write_check
from core.storage_errors import StorageUnavailable
from mlsite import __version__
from predictions.queue_status import QueueLength, QueueStatus, get_queue_status
from registry.integrity import find_damaged_versions
from registry.querysets import PRODUCTION
from registry.serving import get_pool, get_previous_version, get_production_versions, get_spec

first_load_finished = threading.Event()
"""Set after the first attempt of this process to load all models in production."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 with the version of mlsite. This uses neither the database nor the models."""
    return HttpResponse(f"ok\nmlsite {__version__}\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 if the database can be written to and this process can serve models, and 503 otherwise.

    A process becomes ready when it has loaded all models in production. It stays ready while it loads a newly promoted
    version: otherwise a promotion would make all processes unavailable at once. Requests for this version wait.
    `problems` contains the versions that do not load, which change the status to `degraded`, and the artifacts that differ
    from the registered file. The response is 503 only if no model in production can serve requests. `background` describes
    the queue of background work, and `storage` whether the bucket of the stored files is available, if there is one. They do
    not change the status code, because this process can serve pages, rows, and texts anyway.
    """
    try:
        production = get_production_versions()
        damaged = find_damaged_versions()
        queue = get_queue_status()
    except (DatabaseError, InterfaceError) as database_error:
        state = "not-migrated" if is_schema_error(database_error) else "unreachable"
        return JsonResponse({"status": "unavailable", "database": state}, status=503)
    try:
        write_check.run()
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "not-writable"}, status=503)
    specs = {get_spec(version): version for version in production}
    pool = get_pool()
    loaded = [spec for spec in specs if pool.is_loaded(spec)]
    failures = {spec: error.code for spec in specs if spec not in loaded and (error := pool.get_failure(spec))}
    if len(loaded) == len(specs):
        first_load_finished.set()
    # A failed model without a previous version to fall back on must not make the other models unavailable.
    is_failing = bool(specs) and all(
        spec in failures and not get_previous_version(specs[spec], alias=PRODUCTION) for spec in specs
    )
    is_ready = first_load_finished.is_set() and not is_failing
    body = {
        "status": "failing" if is_failing else "loading" if not is_ready else "degraded" if failures else "ready",
        "database": "ok",
        "models": {"loaded": len(loaded), "served": len(specs)},
        "problems": damaged | {str(spec): code for spec, code in failures.items()},
        "background": _describe_queue(queue),
    }
    if settings.S3_BUCKET:
        body["storage"] = _get_storage_status()
    return JsonResponse(body, status=200 if is_ready else 503)


def _get_storage_status() -> str:
    try:
        bucket_check.run()
    except StorageUnavailable:
        return "unavailable"
    return "ok"


def _describe_queue(queue: QueueStatus) -> dict[str, Any]:
    return {
        "status": "stalled" if queue.is_stalled else "ok",
        "predictions": _describe_length(queue.predictions),
        "batch_jobs": _describe_length(queue.batch_jobs),
    }


def _describe_length(length: QueueLength) -> dict[str, Any]:
    oldest = length.oldest_seconds
    return {
        "waiting": length.waiting,
        "running": length.running,
        "oldest_seconds": None if oldest is None else round(oldest, 1),
    }
