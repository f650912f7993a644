"""Querysets of inputs, predictions, reviews and claims."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, F, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, TextField, UUIDField, Value
from django.db.models.functions import Cast, Coalesce, Greatest
from django.utils import timezone

from core.querysets import VisibleQuerySet
from predictions.id_ranges import LOWEST_ID, build_id_condition

PARTIAL_INDEX_EXCLUSIONS = {"status": "succeeded", "error_code": "", "client_reference": ""}
"""The common value that the index of a field leaves out, which makes it small. A list of common rows needs no index."""


class DatedQuerySet(VisibleQuerySet):
    """Rows with a creation time, and an ID that contains the same time."""

    has_deviation_index: ClassVar[bool] = False  # see predictions.id_ranges

    def created_in(self, *, start: datetime | None = None, end: datetime | None = None) -> Self:
        """Return rows created at or after `start` and before `end`."""
        rows = self.filter(
            build_id_condition(self.model, start=start, end=end, has_deviation_index=self.has_deviation_index)
        )
        rows = rows.filter(created_at__gte=start) if start else rows
        return rows.filter(created_at__lt=end) if end else rows

    def matching(self, **condition: Any) -> Self:
        """Return rows with a value in a field that has an index of this field and the ID.

        Lists are sorted by ID. If PostgreSQL expects many rows with the value, it reads all rows from the newest on, which
        takes long if all rows with the value are old. So start at the newest row with the value (5 instead of 120 ms of CPU
        for a label whose last use was 500,000 predictions ago).
        """
        ((field, value),) = condition.items()
        common = PARTIAL_INDEX_EXCLUSIONS.get(field)
        if value == common:
            return self.filter(**condition)
        indexed: QuerySet = self.model._default_manager.all()
        rows = self.filter(**condition)
        if common is not None:  # PostgreSQL would use the index without this condition, SQLite would not
            rows, indexed = rows.exclude(**{field: common}), indexed.exclude(**{field: common})
        return rows.filter(pk__lte=Subquery(get_newest(indexed, field, value)))

    def matching_any(self, field: str, values: Sequence[Any]) -> Self:
        """Return rows with one of several values in such a field. Start at the newest row with any of them."""
        common = PARTIAL_INDEX_EXCLUSIONS.get(field)
        if len(values) == 1:
            return self.matching(**{field: values[0]})
        rows = self.filter(**{f"{field}__in": values})
        if common in values:
            return rows
        indexed: QuerySet = self.model._default_manager.all()
        if common is not None:
            rows, indexed = rows.exclude(**{field: common}), indexed.exclude(**{field: common})
        return rows.up_to_newest_of([get_newest(indexed, field, value) for value in values])

    def up_to_newest_of(self, newest: Sequence[QuerySet]) -> Self:
        """Return the rows up to the newest of several IDs. Each queryset returns one ID or none."""
        if len(newest) == 1:
            return self.filter(pk__lte=Subquery(newest[0]))
        lowest = Value(LOWEST_ID, UUIDField())
        return self.filter(pk__lte=Greatest(*(Coalesce(Subquery(row), lowest) for row in newest)))


class InputQuerySet(DatedQuerySet):
    """Inputs."""


class PredictionQuerySet(DatedQuerySet):
    """Predictions."""

    has_deviation_index = True

    def with_related(self) -> Self:
        """Join the rows that lists and detail pages show, so that rendering needs no further query."""
        return self.select_related("input", "model_version__model", "user")

    def with_reviews(self) -> Self:
        """Fetch the active reviews of each prediction as `active_reviews`, newest first."""
        reviews = get_reviews().active().select_related("reviewer")
        return self.prefetch_related(Prefetch("reviews", reviews, to_attr="active_reviews"))

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
        return self.filter(model_version__in=sorted(used), pk__lte=max(used.values()))

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
        """Return succeeded predictions without an active review."""
        return self.filter(~_has_review(), status="succeeded")

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
        return self.filter(_has_review("incorrect"), ~_has_review("correct"))

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


def get_newest(rows: QuerySet, field: str, value: Any) -> QuerySet:
    """Return the ID of the newest row with a value, read from the index of the field and the ID.

    With `field = value`, PostgreSQL would know that the first column of the index is constant and might read the rows from
    the newest on instead.
    """
    rows = rows.filter(**{f"{field}__gte": value, f"{field}__lte": value})
    column = rows.model._meta.get_field(field).attname  # `-model_version` would sort by the name of the model
    return rows.order_by(f"-{column}", "-pk").values("pk")[:1]


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
