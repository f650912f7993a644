"""Views of forms that are stored once although they are submitted twice."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.requests import AuthenticatedRequest
from accounts.services.submissions import find_submission_key
from core.forms import SUBMISSION_KEY_FIELD

PREVIOUS_KEY_COOKIE = "previous_submission"
DOUBLE_CLICK_SECONDS = 1
GENERATED_KEY = re.compile(r"[\w.-]{1,64}", re.ASCII)


class SubmissionMixin:
    """Read the key of the submitted form.

    The second click of a double click can reach the page with the result of the first one, whose form has another key. A
    cookie therefore has the key of the first submission, until that time is over. It only counts for the same input.
    """

    request: AuthenticatedRequest
    submission_key = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        if GENERATED_KEY.fullmatch(self.submission_key):
            response.set_cookie(
                PREVIOUS_KEY_COOKIE,
                self.submission_key,
                max_age=DOUBLE_CLICK_SECONDS,
                path=settings.SESSION_COOKIE_PATH,
                httponly=True,
                samesite="Lax",
                secure=request.is_secure(),
            )
        return response

    def choose_submission_key(self, content: Any) -> str:
        """Return the key of the form, or of the one before if the same input was submitted with it."""
        key, previous = self.request.POST.get(SUBMISSION_KEY_FIELD, ""), self.request.COOKIES.get(PREVIOUS_KEY_COOKIE, "")
        if key and previous:
            key = find_submission_key(user=self.request.user, keys=[previous, key], content=content) or key
        self.submission_key = key
        return key
