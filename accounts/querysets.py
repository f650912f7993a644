"""Queries on API tokens."""

from __future__ import annotations

from typing import Self

from django.db.models import Q, QuerySet
from django.utils import timezone


class ApiTokenQuerySet(QuerySet):
    def active(self) -> Self:
        """Return tokens of active users that are neither revoked nor expired."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)
