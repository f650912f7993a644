"""How tokens are read."""

from __future__ import annotations

from typing import Self

from django.db.models import Q, QuerySet
from django.utils import timezone


class ApiTokenQuerySet(QuerySet):
    def active(self) -> Self:
        """Neither revoked nor expired, of a user who may sign in."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)
