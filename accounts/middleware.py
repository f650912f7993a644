"""Remember browsers in which users have signed in, show the lock of a sign-in, and remember the current request."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.current_request import current_request
from accounts.devices import set_device_cookie


class DeviceMiddleware:
    """Set the cookie of `accounts.devices` after a sign-in or a new password."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        set_device_cookie(request, response)
        return response


class CurrentRequestMiddleware:
    """Let services find the request, for the audit log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = current_request.set(request)
        try:
            return self.get_response(request)
        finally:
            current_request.reset(token)


def build_locked_response(request: Any, original_response: object = None, credentials: object = None) -> HttpResponse:
    """Return a 429 that states when the next password is checked."""
    seconds = max(1, getattr(request, "lock_seconds", 0))
    context = {"minutes": math.ceil(seconds / 60), "is_sign_in": not request.user.is_authenticated}
    response = render(request, "accounts/locked.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
