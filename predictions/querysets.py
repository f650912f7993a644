"""Querysets of inputs, predictions, reviews and claims."""

from __future__ import annotations

from typing import Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from core.querysets import VisibleQuerySet, can_view_all


class InputQuerySet(VisibleQuerySet):
    """Inputs."""


class PredictionQuerySet(VisibleQuerySet):
    """Predictions."""

    def with_related(self) -> Self:
        """Join the rows that lists and detail pages show, so that rendering needs no further query."""
        return self.select_related("input", "model_version__model", "user")

    def with_reviews(self) -> Self:
        """Fetch the active reviews of each prediction as `active_reviews`, newest first."""
        reviews = get_reviews().active().select_related("reviewer")
        return self.prefetch_related(Prefetch("reviews", reviews, to_attr="active_reviews"))

    def reviewed(self, *, verdict: str = "") -> Self:
        """Return predictions with an active review, or with an active review with this verdict."""
        return self.filter(_has_review(verdict))

    def awaiting_review(self) -> Self:
        """Return succeeded predictions without an active review."""
        return self.filter(~_has_review(), status="succeeded")

    def selected_by(self, strategy: str) -> Self:
        """Return reviewed predictions that were selected by a review strategy, even if that review has been replaced."""
        selections = get_reviews().filter(prediction=OuterRef("pk"), picked_by=strategy)
        return self.filter(Exists(selections), _has_review())

    def with_true_label(self, label: str) -> Self:
        """Return predictions whose effective review has this true label."""
        return self.filter(pk__in=get_reviews().effective().filter(true_label=label).values("prediction"))

    def unanimously_correct(self) -> Self:
        """Return predictions that are marked correct and that nobody marked incorrect."""
        return self.filter(_has_review("correct"), ~_has_review("incorrect"))

    def unanimously_incorrect(self) -> Self:
        """Return predictions that are marked incorrect and that nobody marked correct."""
        return self.filter(_has_review("incorrect"), ~_has_review("correct"))

    def with_conflicting_reviews(self) -> Self:
        """Return predictions whose active reviews differ in the verdict or the true output."""
        return self.filter(pk__in=get_reviews().conflicting().values("prediction"))


def get_reviews() -> ReviewQuerySet:
    """Return all reviews, including withdrawn ones."""
    from predictions.models import Review  # the models import this module

    return Review.objects.all()


def _has_review(verdict: str = "") -> Exists:
    """Return the condition that a prediction has an active review, or an active review with this verdict."""
    reviews = get_reviews().active().filter(prediction=OuterRef("pk"))
    return Exists(reviews.filter(verdict=verdict) if verdict else reviews)


class ReviewQuerySet(QuerySet):
    """Reviews."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the reviews of the user's own predictions; for reviewers, those of all predictions."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if can_view_all(user) else self.filter(prediction__user=user)

    def active(self) -> Self:
        """Return reviews that are not withdrawn."""
        return self.filter(withdrawn_at=None)

    def decided(self) -> Self:
        """Return active reviews with the verdict `correct` or `incorrect`."""
        return self.active().filter(verdict__in=["correct", "incorrect"])

    def effective(self) -> Self:
        """Return the review of each prediction that metrics use: its newest decided one."""
        newer = get_reviews().decided().filter(prediction=OuterRef("prediction"), id__gt=OuterRef("id"))
        return self.decided().filter(~Exists(newer))

    def conflicting(self) -> Self:
        """Return decided reviews that contradict another decided review of the same prediction."""
        others = get_reviews().decided().filter(prediction=OuterRef("prediction"))
        # Labels are stored in the order of the version, so equal lists of labels are equal texts.
        others = others.annotate(labels_text=Cast("true_labels", TextField()))
        labels_text = Cast(OuterRef("true_labels"), TextField())
        differs = (
            ~Q(verdict=OuterRef("verdict"))
            | ~Q(true_label=OuterRef("true_label"))
            | Q(true_value__lt=OuterRef("true_value"))
            | Q(true_value__gt=OuterRef("true_value"))
            | Q(labels_text__lt=labels_text)
            | Q(labels_text__gt=labels_text)
        )
        return self.decided().filter(Exists(others.filter(differs)))


class ReviewClaimQuerySet(QuerySet):
    """Claims of the review queue, and skips."""

    def held_by(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims of a reviewer, also expired ones, without skips."""
        return self.filter(reviewer=reviewer, skipped=False)

    def blocking(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims that hide a prediction from a reviewer: somebody holds it, or the reviewer skipped it."""
        return self.filter(Q(skipped=False) | Q(reviewer=reviewer), until__gt=timezone.now())
