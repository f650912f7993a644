"""Remove the data of users who are erased. What statistics count remains, without a relation to the user."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.erasers import Eraser
from accounts.models import User
from accounts.services.erased_rows import DELETED, build_deletion, delete_some, select_some, unlink_some
from accounts.signals import user_erasing
from predictions.models import (
    BatchJob,
    BatchJobImage,
    BatchJobItem,
    Input,
    Prediction,
    PredictionComment,
    PredictionCount,
    PredictionTag,
    Review,
    ReviewAssignment,
    ReviewClaim,
    ReviewGoal,
    ReviewSummary,
    SavedFilter,
    ShownPrediction,
)
from predictions.models.input import EMPTY_INPUT
from predictions.models.prediction import EMPTY_OUTPUT
from predictions.paths import get_thumbnail_path
from predictions.services.removed_files import delete_removed_files, remove_files
from predictions.services.reviews import lock_predictions
from predictions.services.summaries import freeze_summaries
from predictions.services.summary_progress import lock_summaries
from predictions.signals import predictions_erasing

INPUTS_PER_TRANSACTION = 200
COUNTED = _("Emptied. Only the version, the status, and the timings remain, for statistics.")
UNLINKED = _("Remain without a user")
USERNAME_FILTERS = ("user", "search")  # of saved filters and assignments


def erase_inputs(user: User) -> int:
    """Empty some inputs of a user, and all predictions of them, also those that others made."""
    lock_summaries()
    rows = list(Input.objects.select_for_update().filter(user=user.pk).order_by("pk")[:INPUTS_PER_TRANSACTION])
    ids = [row.pk for row in rows]
    if ids:
        erase_predictions(list(Prediction.objects.filter(input__in=ids).values_list("pk", flat=True)))
    remove_files(names=[name for row in rows if row.image for name in (str(row.image), get_thumbnail_path(row.pk))])
    inputs = Input.objects.filter(pk__in=ids)
    inputs.filter(features__isnull=False).update(features={})
    inputs.update(**EMPTY_INPUT, user=None, data_removed_at=timezone.now())
    return len(rows)


def erase_predictions(ids: Collection[UUID]) -> None:
    """Remove the output and all texts of predictions, and what was written about them. Metrics stay the same.

    Call it after `lock_summaries`.
    """
    lock_predictions(ids)
    predictions_erasing.send(sender=Prediction, ids=ids)
    freeze_summaries(predictions=ids)
    for model in (PredictionTag, PredictionComment, ReviewClaim, ShownPrediction):
        model.objects.filter(prediction__in=ids).delete()
    Review.objects.filter(prediction__in=ids).exclude(comment="").update(comment="")
    rows = Prediction.objects.filter(pk__in=ids)
    rows.filter(output__isnull=False).update(**EMPTY_OUTPUT, user=None, output={})
    rows.filter(output__isnull=True).update(**EMPTY_OUTPUT, user=None)


def erase_files(rows: QuerySet) -> int:
    """Delete some rows with their files."""
    remove_files(names=rows.filter(pk__in=select_some(rows)).values_list("file", flat=True))
    return delete_some(rows)


def erase_review_comments(user: User) -> int:
    """Remove the comments of some reviews. The reviews stay: they are part of the metrics."""
    keys = select_some(_select_commented(user))
    Review.objects.filter(pk__in=keys).update(comment="")
    return len(keys)


def has_reviews(user: User) -> bool:
    """Return whether a user has written reviews. The agreement of reviewers needs to know which ones are by one person."""
    return Review.objects.filter(reviewer=user.pk).exists()


@receiver(user_erasing, dispatch_uid="predictions.forget_username")
def forget_username(*, user: User, **kwargs: Any) -> None:
    """Remove the name of a user from the saved filters and the assignments of others."""
    named = [(name, user.username) for name in USERNAME_FILTERS]
    contains_name = reduce(or_, (Q(query__contains=urlencode([pair])) for pair in named))
    for model in (SavedFilter, ReviewAssignment):
        for row in model._default_manager.filter(contains_name).iterator():
            pairs = parse_qsl(row.query, keep_blank_values=True)
            row.query = urlencode([pair for pair in pairs if pair not in named])
            row.save(update_fields=["query"])


def _select_job_items(user: User) -> QuerySet:
    return BatchJobItem.objects.filter(job__user=user.pk)


def _select_job_images(user: User) -> QuerySet:
    return BatchJobImage.objects.filter(job__user=user.pk)


def _select_jobs(user: User) -> QuerySet:
    return BatchJob.objects.filter(user=user.pk)


def _select_commented(user: User) -> QuerySet:
    return Review.objects.filter(reviewer=user.pk).exclude(comment="")


def _select_assignments(user: User) -> QuerySet:
    return ReviewAssignment.objects.filter(Q(reviewer=user.pk) | Q(assigned_by=user.pk))


def _select_of_others(user: User) -> QuerySet:
    """Return the predictions that a user has made of other users' inputs."""
    return Prediction.objects.filter(user=user.pk).exclude(input__user=user.pk)


def _build_unlinking(model: Any) -> Eraser:
    """Return an eraser that sets the user of derived rows to null."""

    def select(user: User) -> QuerySet:
        return model.objects.filter(user=user.pk)

    return Eraser(f"{model._meta.label_lower}.user", "", "", select, lambda user: unlink_some(select(user), "user"))


ERASERS = (
    # The results of batch jobs and their images are counted, but not listed apart from their jobs.
    Eraser("predictions.batchjobitem", "", "", _select_job_items, lambda user: delete_some(_select_job_items(user))),
    Eraser("predictions.batchjobimage", "", "", _select_job_images, lambda user: erase_files(_select_job_images(user))),
    Eraser(
        "predictions.batchjob",
        BatchJob._meta.verbose_name_plural,
        DELETED,
        _select_jobs,
        lambda user: erase_files(_select_jobs(user)),
        finish=delete_removed_files,
    ),
    Eraser(
        "predictions.input",
        _("inputs with their predictions"),
        COUNTED,
        lambda user: Input.objects.filter(user=user.pk),
        erase_inputs,
        finish=delete_removed_files,
    ),
    Eraser(
        "predictions.prediction.user",
        _("predictions of other users' inputs"),
        UNLINKED,
        _select_of_others,
        lambda user: unlink_some(_select_of_others(user), "user"),
    ),
    _build_unlinking(ReviewSummary),
    _build_unlinking(PredictionCount),
    Eraser(
        "predictions.review",
        _("comments of reviews"),
        DELETED,
        _select_commented,
        erase_review_comments,
        needs_account=has_reviews,
    ),
    Eraser(
        "predictions.reviewassignment",
        ReviewAssignment._meta.verbose_name_plural,
        DELETED,
        _select_assignments,
        lambda user: delete_some(_select_assignments(user)),
    ),
    *(
        build_deletion(model, field)
        for model, field in (
            (PredictionTag, "user"),
            (PredictionComment, "author"),
            (SavedFilter, "user"),
            (ReviewClaim, "reviewer"),
            (ShownPrediction, "reviewer"),
            (ReviewGoal, "reviewer"),
        )
    ),
)
