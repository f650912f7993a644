"""Is the process alive, and is it of use? For load balancers and people in a hurry."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from predictions.registry import get_pool, production_versions, spec_of


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer at all; asks nothing of database and models."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database is reachable and this process has loaded every model in production."""
    try:
        served = production_versions()
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    loaded = sum(get_pool().is_loaded(spec_of(version)) for version in served)
    ready = loaded == len(served)
    body = {"status": "ready" if ready else "loading", "database": "ok", "models": {"loaded": loaded, "served": len(served)}}
    return JsonResponse(body, status=200 if ready else 503)
