"""The type of a request behind a login."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class AuthenticatedRequest(HttpRequest):
    """For type checking only: `LoginRequiredMixin` and the middleware make it true."""

    user: User
    htmx: HtmxDetails
