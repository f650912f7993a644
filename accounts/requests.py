"""The type of a request from a signed-in user."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """For type checkers only. `LoginRequiredMixin` and the middleware set these attributes."""

    user: User
    htmx: HtmxDetails
