"""Queries on registered models and their versions."""

from __future__ import annotations

from typing import Self

from django.db.models import QuerySet

from core.querysets import Viewer, can_view_all

PRODUCTION = "production"  # the alias that a bare model name refers to


class RegisteredModelQuerySet(QuerySet):
    def in_production(self) -> Self:
        """Return models with a production alias."""
        return self.filter(aliases__name=PRODUCTION)

    def visible_to(self, user: Viewer) -> Self:
        """Return models with an alias; reviewers also see models without one."""
        return self.all() if can_view_all(user) else self.filter(aliases__isnull=False).distinct()


class ModelVersionQuerySet(QuerySet):
    def served(self) -> Self:
        """Return versions that an alias points to."""
        return self.filter(aliases__isnull=False).distinct()
