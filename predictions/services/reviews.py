"""Store and withdraw reviews. Reviews are never overwritten: a new one withdraws the same person's earlier one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.submissions import DOUBLE_CLICK_PERIOD
from core.locks import RowDeleted
from events.services import build_event, record_events
from predictions.models import Prediction, Review
from predictions.services.review_validation import ReviewInput, validate_review

logger = logging.getLogger(__name__)

COMPARED_FIELDS = ("verdict", "true_label", "true_value", "true_labels", "comment")


def review_prediction(
    *,
    prediction: Prediction,
    reviewer: User,
    verdict: str = "",
    true_label: str = "",
    true_value: float | None = None,
    true_labels: Sequence[str] | None = None,
    comment: str = "",
    picked_by: str = Review.PickedBy.MANUAL,
    ignores_double_clicks: bool = False,
) -> Review:
    """Store a person's review of a prediction and withdraw their earlier one.

    Args:
        ignores_double_clicks: return the earlier review if it is the same and was just stored.
        prediction: a prediction that the reviewer can see; callers look it up with `visible_to`.
        verdict: a `Review.Verdict`; if empty, it is inferred from the true output.
        true_label: a label of the model version, for classification.
        true_value: a finite number, for regression.
        true_labels: all true labels, for a multi-label model; empty if none applies.
        picked_by: how the prediction was selected for review, a `Review.PickedBy`.

    Raises:
        NotReviewable, InvalidReview: see `validate_review`.
    """
    labels = None if true_labels is None else tuple(true_labels)
    review = validate_review(prediction, ReviewInput(verdict, true_label, true_value, comment, labels))
    save = partial(save_review, review=review, prediction=prediction, reviewer=reviewer, picked_by=picked_by)
    if not ignores_double_clicks:
        return save()
    with transaction.atomic():
        return _find_same_review(review, prediction, reviewer) or save()


def _find_same_review(review: ReviewInput, prediction: Prediction, reviewer: User) -> Review | None:
    """Return the active review of a person if it is the same and was just stored. Lock the prediction."""
    lock_predictions([prediction.pk])
    recent = Review.objects.active().filter(prediction=prediction, reviewer=reviewer)
    earlier: Review | None = recent.filter(created_at__gte=timezone.now() - DOUBLE_CLICK_PERIOD).first()
    if earlier is None:
        return None
    row = build_review(review=review, prediction=prediction, reviewer=reviewer, picked_by=earlier.picked_by)
    return earlier if all(getattr(row, name) == getattr(earlier, name) for name in COMPARED_FIELDS) else None


def save_review(
    *, review: ReviewInput, prediction: Prediction, reviewer: User, picked_by: str, is_blind: bool = False
) -> Review:
    """Store a validated review and withdraw the reviewer's earlier one."""
    row = build_review(review=review, prediction=prediction, reviewer=reviewer, picked_by=picked_by)
    row.is_blind = is_blind
    replace_reviews(reviews=[row], reviewer=reviewer)
    logger.info(
        "review",
        extra={
            "prediction": str(prediction.pk),
            "user": str(reviewer.pk),
            "verdict": row.verdict,
            "picked_by": picked_by,
        },
    )
    return row


def build_review(*, review: ReviewInput, prediction: Prediction, reviewer: User, picked_by: str) -> Review:
    """Return a validated review as a row that is not stored yet."""
    return Review(
        prediction=prediction,
        reviewer=reviewer,
        verdict=review.verdict,
        true_label=review.true_label,
        true_value=review.true_value,
        true_labels=None if review.true_labels is None else list(review.true_labels),
        comment=review.comment,
        picked_by=picked_by,
    )


def replace_reviews(*, reviews: Sequence[Review], reviewer: User) -> None:
    """Store reviews by one person and withdraw their earlier reviews of the same predictions, in one transaction.

    This is the only function that stores reviews of users. Pass at most one review per prediction.

    Raises:
        RowDeleted: a prediction was removed meanwhile.
    """
    prediction_ids = [review.prediction_id for review in reviews]
    with transaction.atomic():
        check_predictions(lock_predictions(prediction_ids), prediction_ids)
        _withdraw_reviews(prediction_ids, reviewer)
        Review.objects.bulk_create(reviews)
        record_events(
            events=[
                build_event(
                    type="review.created",
                    uuid=review.pk,
                    subject=review.pk,
                    key=review.prediction_id,
                    user_id=review.prediction.user_id,
                )
                for review in reviews
            ]
        )


def withdraw_review(*, prediction: Prediction, reviewer: User) -> bool:
    """Withdraw a person's active review of a prediction; return whether there was one."""
    with transaction.atomic():
        lock_predictions([prediction.pk])
        return _withdraw_reviews([prediction.pk], reviewer) > 0


def lock_predictions(prediction_ids: Iterable[UUID]) -> list[UUID]:
    """Lock predictions until the end of the transaction, and return the IDs of those that exist.

    Reviews and claims of a prediction change only under its lock.

    All callers lock in the same order, so that two callers with the same predictions cannot deadlock.
    """
    rows = Prediction.objects.select_for_update().filter(pk__in=prediction_ids).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def check_predictions(locked: Iterable[UUID], expected: Iterable[UUID]) -> None:
    """Check that all expected predictions are among the locked ones.

    Raises:
        RowDeleted: one was removed meanwhile.
    """
    if set(expected) - set(locked):
        raise RowDeleted


def _withdraw_reviews(prediction_ids: Iterable[UUID], reviewer: User) -> int:
    """Withdraw a person's active reviews of locked predictions. Return their number."""
    active = Review.objects.active().filter(prediction__in=prediction_ids, reviewer=reviewer)
    rows = list(active.values_list("pk", "prediction", "prediction__user"))
    if rows:
        Review.objects.filter(pk__in=[pk for pk, *_ in rows]).update(withdrawn_at=timezone.now())
        record_events(
            events=[build_event(type="review.withdrawn", subject=pk, key=key, user_id=owner) for pk, key, owner in rows]
        )
    return len(rows)
