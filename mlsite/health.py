"""Is the process alive, and is it of use? For load balancers and people in a hurry."""

from __future__ import annotations

import threading

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.integrity import find_damaged_versions
from registry.querysets import PRODUCTION
from registry.serving import get_pool, get_previous_version, get_production_versions, get_spec

been_ready = threading.Event()
"""Has this process tried to load all that was in production, as far as it has room, at some time?"""


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
    would turn all processes red at once. A version that does not load is named, and so is an artifact that is not the
    registered one, whether in production or not; the answer is 503 only when no model can be asked.
    """
    try:
        served = get_production_versions()
        damaged = find_damaged_versions()
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    specs = {get_spec(version): version for version in served}
    pool = get_pool()
    loaded = [spec for spec in specs if pool.is_loaded(spec)]
    failed = {spec: error.code for spec in specs if spec not in loaded and (error := pool.get_failure(spec))}
    if len(loaded) == len(specs):
        been_ready.set()
    # What one model of many lacks is no reason to take the others away from their callers.
    silent = specs and all(spec in failed and not get_previous_version(specs[spec], alias=PRODUCTION) for spec in specs)
    ready = been_ready.is_set() and not silent
    body = {
        "status": "degraded" if ready and failed else "ready" if ready else "failing" if silent else "loading",
        "database": "ok",
        "models": {"loaded": len(loaded), "served": len(specs)},
        "problems": damaged | {str(spec): code for spec, code in failed.items()},
    }
    return JsonResponse(body, status=200 if ready else 503)
