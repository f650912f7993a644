"""The response to too many requests."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_limited(request: HttpRequest, reason: str, seconds: int) -> HttpResponse:
    """Return a 429 with the reason and the time after which the request is accepted."""
    context = {"reason": reason, "minutes": math.ceil(seconds / 60)}
    response = render(request, "accounts/limited.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
