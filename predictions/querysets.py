"""How the ledger is read. Who may see a row is said here once, for every door."""

from __future__ import annotations

from typing import Any, Self

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from core.querysets import VisibleQuerySet, can_view_all


class InputQuerySet(VisibleQuerySet):
    """Inputs."""


class PredictionQuerySet(VisibleQuerySet):
    """Predictions."""

    def with_related(self) -> Self:
        """Join all that a list or a detail shows, so that rendering asks nothing more."""
        return self.select_related("input", "model_version__model", "user")

    def with_reviews(self) -> Self:
        """Fetch the opinions that hold with each prediction, as `opinions`, the newest first."""
        opinions = _reviews().select_related("reviewer")
        return self.prefetch_related(Prefetch("reviews", opinions, to_attr="active_reviews"))

    def reviewed(self, *, verdict: str = "") -> Self:
        """Predictions that somebody has judged, or judged so."""
        return self.filter(Exists(self._opinions(verdict)))

    def awaiting_review(self) -> Self:
        """Answers that nobody has judged."""
        return self.filter(~Exists(self._opinions()), status="succeeded")

    def picked(self, picked_by: str) -> Self:
        """Judged predictions that somebody came upon in this way, whoever judged them since."""
        ways = _reviews_of_all_times().filter(prediction=OuterRef("pk"), picked_by=picked_by)
        return self.filter(Exists(ways), Exists(self._opinions()))

    def truly(self, label: str) -> Self:
        """Predictions whose true label, as the opinion that counts has it, is this one."""
        return self.filter(pk__in=_reviews_of_all_times().counting().filter(true_label=label).values("prediction"))

    def agreed(self) -> Self:
        """Predictions that some say are correct and nobody says are not."""
        return self.filter(Exists(self._opinions("correct")), ~Exists(self._opinions("incorrect")))

    def disagreed(self) -> Self:
        """Predictions that some say are incorrect and nobody says are not."""
        return self.filter(Exists(self._opinions("incorrect")), ~Exists(self._opinions("correct")))

    def disputed(self) -> Self:
        """Predictions of which two people hold different truths to be the true one."""
        return self.filter(pk__in=_reviews().disputes().values("prediction"))

    def _opinions(self, verdict: str = "") -> QuerySet:
        opinions = _reviews().filter(prediction=OuterRef("pk"))
        return opinions.filter(verdict=verdict) if verdict else opinions


def _reviews() -> Any:
    """Return the opinions that hold."""
    return _reviews_of_all_times().active()


def _reviews_of_all_times() -> Any:
    """Return all opinions. The model imports its querysets, so it is looked up when it is there."""
    return apps.get_model("predictions", "Review").objects.all()


class ReviewQuerySet(QuerySet):
    """Reviews."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Reviews of one's own predictions, and of everybody's for reviewers."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if can_view_all(user) else self.filter(prediction__user=user)

    def active(self) -> Self:
        """Opinions that still hold."""
        return self.filter(withdrawn_at=None)

    def decided(self) -> Self:
        """Opinions that still hold and say right or wrong."""
        return self.active().filter(verdict__in=["correct", "incorrect"])

    def counting(self) -> Self:
        """The opinion on each prediction that quality is measured by: the newest that still holds and is decided."""
        newer = _reviews_of_all_times().decided().filter(prediction=OuterRef("prediction"), id__gt=OuterRef("id"))
        return self.decided().filter(~Exists(newer))

    def disputes(self) -> Self:
        """Opinions that still hold, where another one of the same prediction says otherwise."""
        others = _reviews_of_all_times().decided().filter(prediction=OuterRef("prediction"))
        otherwise = (
            ~Q(verdict=OuterRef("verdict"))
            | ~Q(true_label=OuterRef("true_label"))
            | Q(true_value__lt=OuterRef("true_value"))
            | Q(true_value__gt=OuterRef("true_value"))
        )
        return self.decided().filter(Exists(others.filter(otherwise)))


class ReviewClaimQuerySet(QuerySet):
    """Claims of the review queue, and skips."""

    def held_by(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims of a reviewer, also expired ones, without skips."""
        return self.filter(reviewer=reviewer, skipped=False)

    def blocking(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims that keep a prediction from a reviewer: somebody holds it, or the reviewer skipped it."""
        return self.filter(Q(skipped=False) | Q(reviewer=reviewer), until__gt=timezone.now())
