"""Mixins of views that only some users may see."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.mixins import UserPassesTestMixin
from django.http import HttpRequest

from accounts.permissions import has_permission


class PermissionsRequiredMixin(UserPassesTestMixin):
    """Redirect visitors to the sign-in page, and reject users who lack one of the permissions."""

    request: HttpRequest
    required_permissions: ClassVar[tuple[str, ...]]
    permission_denied_message = "You don't have permission to open this page."

    def test_func(self) -> bool:
        return all(has_permission(self.request.user, permission) for permission in self.required_permissions)
