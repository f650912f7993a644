"""Querysets of inputs, predictions, reviews and claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import (
    Case,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils import timezone

from core.querysets import Viewer, VisibleQuerySet
from predictions.dated_querysets import DatedQuerySet, get_newest

ITEM_ORDERS = {f"{sign}{name}": f"{sign}batch_job_item__prediction_id" for sign in ("", "-") for name in ("id", "pk")}


class InputQuerySet(DatedQuerySet):
    """Inputs."""


class PredictionQuerySet(DatedQuerySet):
    """Predictions."""

    has_deviation_index = True
    is_of_one_job: bool = False

    def _clone(self) -> Self:
        clone = super()._clone()
        clone.is_of_one_job = self.is_of_one_job
        return clone

    def order_by(self, *fields: Any) -> Self:
        """Sort the rows, those of one batch job by the IDs in its items.

        SQLite then reads the index of the job up to the end of the page. Sorted by the IDs of the predictions, it read and
        sorted all rows for each page: 2.4 s instead of 8 ms of CPU for a job of 300,000 rows.
        """
        if self.is_of_one_job and len(fields) == 1:
            fields = (ITEM_ORDERS.get(fields[0], fields[0]),)
        rows: Self = super().order_by(*fields)
        return rows

    def in_batch_jobs(self, jobs: Sequence[UUID]) -> Self:
        """Return the newest prediction of each item of some batch jobs."""
        if len(jobs) != 1:
            return self.filter(batch_job_item__job__in=jobs)
        rows = self.filter(batch_job_item__job=jobs[0])
        rows.is_of_one_job = True
        return rows

    def owned_by(self, user: Viewer) -> Self:
        """Return the user's predictions of their own inputs.

        With a permission, users can also run a version on the input of another user. They see this prediction, and with it
        the input, only as long as they have the permission.
        """
        # The CASE hides the comparison from PostgreSQL. Otherwise it would expect that few rows match, and read them all.
        is_own = Case(When(input__user=user, then=Value(True)), default=Value(False))
        return super().owned_by(user).filter(is_own)

    def countable_by(self, user: Viewer) -> Self:
        """Return the rows of `visible_to` for a number, without the check of their inputs, which takes 2 µs per row."""
        is_owner = user.is_authenticated and user.is_active and not getattr(user, self.view_all_attribute, False)
        return super().owned_by(user) if is_owner else self.visible_to(user)

    def with_related(self) -> Self:
        """Join the rows that lists and detail pages show, so that rendering needs no further query."""
        return self.select_related("input", "model_version__model", "user")

    def with_reviews(self) -> Self:
        """Fetch the active reviews of each prediction as `active_reviews`, newest first."""
        reviews = get_reviews().active().select_related("reviewer")
        return self.prefetch_related(Prefetch("reviews", reviews, to_attr="active_reviews"))

    def with_tags(self) -> Self:
        """Fetch the tags of each prediction as `shown_tags`, oldest first."""
        from predictions.models import PredictionTag  # the models import this module

        return self.prefetch_related(Prefetch("tags", PredictionTag.objects.order_by("id"), to_attr="shown_tags"))

    def with_any_tag(self, names: list[str]) -> Self:
        """Return predictions with one of these tags, from the index of the name and the prediction."""
        from predictions.models import PredictionTag

        tags = PredictionTag.objects.filter(name__in=names)
        return self.filter(pk__in=tags.values("prediction")).up_to_newest(tags)

    def of_versions(self, versions: QuerySet) -> Self:
        """Return the predictions of some model versions.

        The versions are looked up first. PostgreSQL then knows how many predictions each has; with a join, it read the whole
        table for a model without predictions (370 ms of CPU at 1,000,000 rows). Starts at the newest row as `matching` does.
        """
        newest = get_newest(self.model._default_manager.all(), "model_version", OuterRef("pk"))
        rows = versions.order_by().annotate(newest=Subquery(newest)).values_list("pk", "newest")
        used = {version: prediction for version, prediction in rows if prediction}
        if not used:
            return self.none()
        rows_of_versions = self.filter(model_version__in=sorted(used))
        return rows_of_versions.filter(pk__lte=max(used.values())) if self.is_limited else rows_of_versions

    def reviewed(self, *, verdicts: Sequence[str] = ()) -> Self:
        """Return predictions with an active review, or with an active review with one of these verdicts."""
        reviews = get_reviews().active()
        lists = [reviews.filter(verdict=verdict) for verdict in verdicts] or [reviews]
        return self.filter(_has_review(*verdicts)).up_to_newest(*lists)

    def up_to_newest(self, *reviews: QuerySet) -> Self:
        """Return the predictions up to the newest one that has one of the reviews.

        This does not replace the condition on the reviews. It only keeps PostgreSQL from looking for reviews of thousands
        of newer predictions that nobody has reviewed yet.
        """
        return self.up_to_newest_of([rows.order_by("-prediction").values("prediction")[:1] for rows in reviews])

    def awaiting_review(self) -> Self:
        """Return succeeded predictions without an active review whose data is still stored."""
        return self.filter(~_has_review(), status="succeeded", input__data_removed_at=None)

    def selected_by(self, strategies: Sequence[str]) -> Self:
        """Return reviewed predictions that one of the review strategies selected, even if that review was replaced."""
        selections = get_reviews().filter(picked_by__in=strategies)
        lists = [get_reviews().filter(picked_by=strategy) for strategy in strategies]
        return self.filter(Exists(selections.filter(prediction=OuterRef("pk"))), _has_review()).up_to_newest(*lists)

    def with_true_labels(self, labels: Sequence[str]) -> Self:
        """Return predictions whose effective review has one of these true labels."""
        # A scalar subquery instead of `effective`, for which PostgreSQL would build a hash table of all reviews (52 ms of
        # CPU with 40,000 reviews), although the list needs only the newest few. With `=` instead of `>=`, it would expect
        # only a handful of rows.
        newest = get_reviews().decided().filter(prediction=OuterRef("prediction")).order_by("-id").values("id")[:1]
        labeled = get_reviews().decided().exclude(true_label="")
        lists = [labeled.filter(true_label=label) for label in labels]
        chosen = lists[0] if len(lists) == 1 else labeled.filter(true_label__in=labels)
        rows = self.filter(pk__in=chosen.filter(id__gte=Subquery(newest)).values("prediction"))
        return rows.up_to_newest(*lists)

    def unanimously_correct(self) -> Self:
        """Return predictions that are marked correct and that nobody marked incorrect."""
        rows = self.filter(_has_review("correct"), ~_has_review("incorrect"))
        return rows.up_to_newest(get_reviews().active().filter(verdict="correct"))

    def unanimously_incorrect(self) -> Self:
        """Return predictions that are marked incorrect and that nobody marked correct."""
        rows = self.filter(_has_review("incorrect"), ~_has_review("correct"))
        return rows.up_to_newest(get_reviews().active().filter(verdict="incorrect"))

    def with_conflicting_reviews(self) -> Self:
        """Return predictions whose decided reviews differ in the verdict or the true output.

        The reviews of each prediction are grouped: comparing each review with all others took 208 instead of 121 ms of CPU
        for a page of the admin list (42,000 reviews).
        """
        # Labels are stored in the order of the version, so equal lists of labels are equal texts.
        reviews = get_reviews().decided().order_by().annotate(labels_text=Cast("true_labels", TextField()))
        fields = ("verdict", "true_label", "true_value", "labels_text")
        ends = {f"{end.name}_{field}": end(field) for field in fields for end in (Min, Max)}
        differs = Q()
        for field in fields:
            differs |= Q(**{f"Min_{field}__lt": F(f"Max_{field}")})
        return self.filter(pk__in=reviews.values("prediction").annotate(**ends).filter(differs).values("prediction"))


def get_reviews() -> ReviewQuerySet:
    """Return all reviews, including withdrawn ones."""
    from predictions.models import Review  # the models import this module

    return Review.objects.all()


def _has_review(*verdicts: str) -> Exists:
    """Return the condition that a prediction has an active review, or an active review with one of these verdicts."""
    reviews = get_reviews().active().filter(prediction=OuterRef("pk"))
    if len(verdicts) == 1:
        return Exists(reviews.filter(verdict=verdicts[0]))
    return Exists(reviews.filter(verdict__in=verdicts) if verdicts else reviews)


class BatchJobQuerySet(VisibleQuerySet):
    """Batch jobs."""

    view_all_attribute = "can_view_batch_jobs"


class ReviewQuerySet(VisibleQuerySet):
    """Reviews. Users see those of their own predictions."""

    owner_field = "prediction__user"

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


class ReviewClaimQuerySet(QuerySet):
    """Claims of the review queue, and skips."""

    def held_by(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims of a reviewer, also expired ones, without skips."""
        return self.filter(reviewer=reviewer, skipped=False)

    def blocking(self, reviewer: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the claims that hide a prediction from a reviewer: somebody holds it, or the reviewer skipped it."""
        return self.filter(Q(skipped=False) | Q(reviewer=reviewer), until__gt=timezone.now())
