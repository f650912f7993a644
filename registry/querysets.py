"""Queries on registered models and their versions."""

from __future__ import annotations

from typing import Self

from django.db.models import QuerySet

from core.querysets import Viewer

PRODUCTION = "production"  # the alias that a bare model name refers to


def can_view_models(user: Viewer) -> bool:
    """Return whether a user can see models without an alias."""
    return bool(user.is_authenticated and user.is_active and getattr(user, "can_view_models", False))


class RegisteredModelQuerySet(QuerySet):
    def in_production(self) -> Self:
        """Return models with a production alias."""
        return self.filter(aliases__name=PRODUCTION)

    def visible_to(self, user: Viewer) -> Self:
        """Return models with an alias. Users with the permission to view models also see models without one."""
        return self.all() if can_view_models(user) else self.filter(aliases__isnull=False).distinct()


class ModelVersionQuerySet(QuerySet):
    def served(self) -> Self:
        """Return versions that an alias points to."""
        return self.filter(aliases__isnull=False).distinct()
