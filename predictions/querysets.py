"""How the ledger is read. Who may see a row is said here once, for every door."""

from __future__ import annotations

from typing import Any, Self

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, QuerySet

PRODUCTION = "production"  # the alias that answers to the bare name


def sees_everything(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user is a reviewer: staff with the right to view predictions; superusers are."""
    may: Any = user
    return bool(user.is_active and may.is_staff and may.has_perm("predictions.view_prediction"))


class VisibleQuerySet(QuerySet):
    """Rows with a `user`: one's own, and everybody's for reviewers."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if sees_everything(user) else self.filter(user=user)


class InputQuerySet(VisibleQuerySet):
    """Inputs."""


class PredictionQuerySet(VisibleQuerySet):
    """Predictions."""

    def complete(self) -> Self:
        """Join all that a list or a detail shows, so that rendering asks nothing more."""
        return self.select_related("input", "model_version__model", "user")

    def with_reviews(self) -> Self:
        """Fetch the opinions that hold with each prediction, as `opinions`, the newest first."""
        opinions = _reviews().select_related("reviewer")
        return self.prefetch_related(Prefetch("reviews", opinions, to_attr="opinions"))

    def reviewed(self, *, verdict: str = "") -> Self:
        """Predictions that somebody has judged, or judged so."""
        return self.filter(Exists(self._opinions(verdict)))

    def awaiting_review(self) -> Self:
        """Answers that nobody has judged."""
        return self.filter(~Exists(self._opinions()), status="succeeded")

    def _opinions(self, verdict: str = "") -> QuerySet:
        opinions = _reviews().filter(prediction=OuterRef("pk"))
        return opinions.filter(verdict=verdict) if verdict else opinions


def _reviews() -> Any:
    """Return the opinions that hold. The model imports its querysets, so it is looked up when it is there."""
    return apps.get_model("predictions", "Review").objects.active()


class ReviewQuerySet(QuerySet):
    """Reviews."""

    def active(self) -> Self:
        """Opinions that still hold."""
        return self.filter(withdrawn_at=None)


class RegisteredModelQuerySet(QuerySet):
    def in_production(self) -> Self:
        """Models that answer to their bare name."""
        return self.filter(aliases__name=PRODUCTION)

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Models that answer, and for reviewers those too that no alias points into."""
        return self.all() if sees_everything(user) else self.filter(aliases__isnull=False).distinct()


class ModelVersionQuerySet(QuerySet):
    def served(self) -> Self:
        """Versions that an alias points at."""
        return self.filter(aliases__isnull=False).distinct()
