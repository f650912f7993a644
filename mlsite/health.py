"""Is the process alive, and is it of use? For load balancers and people in a hurry."""

from __future__ import annotations

import threading

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from predictions.artifacts import damaged_versions
from predictions.registry import get_pool, production_versions, spec_of

been_ready = threading.Event()
"""Has this process loaded all that was in production, or all that it has room for, at some time?"""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer at all; asks nothing of database and models."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database is reachable and this process has loaded the models in production.

    A process that has been ready stays so while it loads a newly promoted version, for which requests wait: else a promotion
    would turn all processes red at once. It is not ready when a version in production does not load. Artifacts that are not
    the registered ones are named, whether in production or not.
    """
    try:
        served = production_versions()
        damaged = damaged_versions()
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    specs = [spec_of(version) for version in served]
    pool = get_pool()
    loaded = [spec for spec in specs if pool.is_loaded(spec)]
    failed = {str(spec): error.code for spec in specs if spec not in loaded and (error := pool.failure_of(spec))}
    if len(loaded) == len(specs):
        been_ready.set()
    ready = not failed and been_ready.is_set()
    body = {
        "status": "ready" if ready else "failing" if failed else "loading",
        "database": "ok",
        "models": {"loaded": len(loaded), "served": len(specs)},
        "problems": damaged | failed,
    }
    return JsonResponse(body, status=200 if ready else 503)
