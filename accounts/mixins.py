"""Mixins of views that only some users may see."""

from __future__ import annotations

from django.contrib.auth.mixins import UserPassesTestMixin
from django.http import HttpRequest

from accounts.permissions import is_reviewer


class ReviewerRequiredMixin(UserPassesTestMixin):
    """Redirect visitors to the sign-in page, and reject users who are not reviewers."""

    request: HttpRequest
    permission_denied_message = "You don't have permission. Reviewers only."

    def test_func(self) -> bool:
        return is_reviewer(self.request.user)
