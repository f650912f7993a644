"""The server in the Open Inference Protocol (V2): metadata, liveness, and readiness. They contain no data."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from mlsite import __version__
from mlsite.health import readyz
from mlsite.security_middleware import SAFE_METHODS
from predictions.api.v2.errors import build_error

EXTENSIONS = ["binary_tensor_data"]


@csrf_exempt  # they change nothing
@never_cache
def server_metadata(request: HttpRequest) -> JsonResponse:
    """Return the name and the version of the server, and the extensions of the protocol that it supports."""
    return _respond(request, {"name": "mlsite", "version": __version__, "extensions": EXTENSIONS})


@csrf_exempt  # they change nothing
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Return 200. This uses neither the database nor the models."""
    return _respond(request, {"live": True})


@csrf_exempt  # they change nothing
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Return 200 if `/readyz` returns 200, and otherwise 503."""
    if request.method in SAFE_METHODS and readyz(request).status_code != 200:
        message = "The server is not ready. See /readyz for the reason."
        return build_error(status=503, message=message, live=True, ready=False)
    return _respond(request, {"live": True, "ready": True})


def _respond(request: HttpRequest, body: dict[str, object]) -> JsonResponse:
    if request.method in SAFE_METHODS:
        return JsonResponse(body)
    response = build_error(status=405, message=f"Expected a GET request. Received: {(request.method or '')[:20]}.")
    response["Allow"] = ", ".join(SAFE_METHODS)
    return response
