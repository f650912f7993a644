"""Claim and review predictions in the review queue. A claim assigns a prediction to one reviewer until it expires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from core.pagination import MAX_COUNTED_ROWS
from inference.errors import InferenceError
from predictions.models import Prediction, Review, ReviewClaim
from predictions.presentation import format_true_output, get_true_output_name
from predictions.querysets import PredictionQuerySet
from predictions.review_strategies import ReviewQueue
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.reviews import lock_predictions, save_review, withdraw_review
from predictions.services.shown_predictions import forget_shown, list_unseen

MAX_HELD_PREDICTIONS = 2  # the current one, and the next one, which loads in advance
MAX_CLAIM_ATTEMPTS = 20  # if other reviewers claim at the same time
CLAIM_DURATION = timedelta(minutes=10)
SKIP_DURATION = timedelta(hours=12)
UNDO_WINDOW = timedelta(hours=1)
MAX_UNDO_CANDIDATES = 50  # recent actions in other filtered lists that undo passes over


class ClaimedByAnother(InferenceError):
    """Another reviewer has reviewed or claimed the prediction."""

    code = "taken-by-another"


class AlreadyReviewed(InferenceError):
    """The same person has already stored a different review of the prediction."""

    code = "judged-before"


def get_held_predictions(*, queue: ReviewQueue, reviewer: User) -> list[Prediction]:
    """Return the predictions that a reviewer holds in this queue, the current one first. Writes nothing."""
    return _fetch_predictions(_list_held_ids(queue, reviewer))


def has_unclaimed_predictions(*, queue: ReviewQueue, reviewer: User) -> bool:
    """Return whether the reviewer can claim a prediction in this queue. Writes nothing."""
    return _find_unclaimed(queue, reviewer).exists()


def count_remaining(queue: ReviewQueue) -> int | None:
    """Return how many predictions of a queue have no review; None if there are more than `MAX_COUNTED_ROWS`."""
    count = queue.get_predictions().order_by()[: MAX_COUNTED_ROWS + 1].count()
    return None if count > MAX_COUNTED_ROWS else count


def claim_next(*, queue: ReviewQueue, reviewer: User) -> list[Prediction]:
    """Extend a reviewer's claims in this queue, claim the next predictions, and return all that the reviewer holds.

    Claims in other queues are released, so that `picked_by` is always the strategy by which the reviewer got the
    prediction.

    Returns:
        Up to two predictions, the current one first; more after an undo. Empty if everything is reviewed, skipped or
        claimed by others.
    """
    _delete_claims(ReviewClaim.objects.filter(until__lte=timezone.now()))
    held = _list_held_ids(queue, reviewer)
    claims = ReviewClaim.objects.held_by(reviewer)
    _delete_claims(claims.exclude(prediction__in=held))
    claims.update(until=timezone.now() + CLAIM_DURATION)
    for _ in range(MAX_CLAIM_ATTEMPTS):
        if len(held) >= MAX_HELD_PREDICTIONS:
            break
        candidate = _find_unclaimed(queue, reviewer).first()
        if candidate is None:
            break
        if _claim_unreviewed(candidate, reviewer, queue):
            held.append(candidate.pk)
    return _fetch_predictions(held)


def review_claimed(*, prediction: Prediction, reviewer: User, review: ReviewInput, is_blind: bool = False) -> Review:
    """Store a review from the queue. The same review sent twice is stored once.

    `picked_by` comes from the claim. Without a claim it is `manual`, so that a client cannot add a prediction to the random
    sample by sending a strategy.

    Args:
        is_blind: the queue hid the prediction. If the reviewer has seen it, see `list_unseen`, the review is not blind.

    Raises:
        ClaimedByAnother: the claim expired, and another person has reviewed or claimed the prediction.
        AlreadyReviewed: this person has stored a different review of the prediction.
        NotReviewable, InvalidReview: see `validate_review`.
    """
    validated = validate_review(prediction, review)
    with transaction.atomic():
        lock_predictions([prediction.pk])
        reviews = list(Review.objects.active().filter(prediction=prediction).select_related("reviewer"))
        own_review = next((row for row in reviews if row.reviewer_id == reviewer.pk), None)
        if own_review is not None:
            return _confirm_same_review(own_review, validated)
        if reviews:
            name = reviews[0].reviewer or gettext("Another reviewer")
            text = gettext("%(name)s has already reviewed this prediction. Your review was not saved.")
            raise ClaimedByAnother(text % {"name": name})
        claims = ReviewClaim.objects.filter(prediction=prediction, skipped=False)
        if claims.filter(until__gt=timezone.now()).exclude(reviewer=reviewer).exists():
            text = gettext("Your claim expired; another reviewer has this prediction. Your review was not saved.")
            raise ClaimedByAnother(text)
        claim = claims.filter(reviewer=reviewer).first()
        picked_by = claim.picked_by if claim else Review.PickedBy.MANUAL
        is_blind = is_blind and bool(list_unseen(predictions=[prediction], reviewer=reviewer))
        row = save_review(review=validated, prediction=prediction, reviewer=reviewer, picked_by=picked_by, is_blind=is_blind)
        ReviewClaim.objects.filter(prediction=prediction, reviewer=reviewer).delete()
        forget_shown(prediction=prediction, reviewer=reviewer)
    return row


def skip_prediction(*, prediction: Prediction, reviewer: User) -> None:
    """Release a prediction for other reviewers, and hide it from this one for `SKIP_DURATION`.

    `picked_by` stays that of the claim, and without a claim it is `manual`, as in `review_claimed`. Undoing a skip restores
    a claim, so otherwise anybody could put a prediction into the random sample by skipping it there.
    """
    now = timezone.now()
    with transaction.atomic():
        lock_predictions([prediction.pk])
        ReviewClaim.objects.update_or_create(
            prediction=prediction,
            reviewer=reviewer,
            defaults={"skipped": True, "created_at": now, "until": now + SKIP_DURATION},
            create_defaults={
                "skipped": True,
                "created_at": now,
                "until": now + SKIP_DURATION,
                "picked_by": Review.PickedBy.MANUAL,
            },
        )


def undo_last_action(*, queue: ReviewQueue, reviewer: User) -> Prediction | None:
    """Undo a reviewer's last review or skip of the past hour in this queue, and claim the prediction again.

    Actions in other queues are not affected.

    Returns:
        The prediction. None if there is nothing to undo, or if another reviewer has claimed the skipped prediction.
    """
    _delete_claims(ReviewClaim.objects.filter(until__lte=timezone.now()))  # they do not keep a prediction from anybody
    last_action = _find_last_action(queue, reviewer)
    prediction = Prediction.objects.with_related().filter(pk=last_action.prediction_id).first() if last_action else None
    if last_action is None or prediction is None:
        return None
    with transaction.atomic():
        lock_predictions([prediction.pk])
        if isinstance(last_action, Review):
            withdraw_review(prediction=prediction, reviewer=reviewer)
        else:
            last_action.delete()
        claimed = _create_claim(prediction, reviewer, queue, created_at=_get_time_before_claims(reviewer))
    return prediction if claimed or isinstance(last_action, Review) else None


def _find_last_action(queue: ReviewQueue, reviewer: User) -> Review | ReviewClaim | None:
    recent = {"reviewer": reviewer, "created_at__gt": timezone.now() - UNDO_WINDOW}
    review = _find_first(queue, Review.objects.active().filter(**recent).order_by("-id"))
    skip = _find_first(queue, ReviewClaim.objects.filter(skipped=True, **recent).order_by("-created_at"))
    return skip if skip and (review is None or skip.created_at > review.created_at) else review


def _find_first(queue: ReviewQueue, rows: QuerySet) -> Any:
    """Return the first of a reviewer's recent reviews or skips that was made in this queue."""
    rows = queue.filter_own(rows)
    if queue.scope is None:
        return rows.first()
    actions = list(rows[:MAX_UNDO_CANDIDATES])
    found = queue.select_in_scope([row.prediction_id for row in actions])
    return next((row for row in actions if row.prediction_id in found), None)


def _confirm_same_review(stored: Review, review: ReviewInput) -> Review:
    labels = None if stored.true_labels is None else tuple(stored.true_labels)
    if ReviewInput(stored.verdict, stored.true_label, stored.true_value, review.comment, labels) == review:
        return stored
    true_output = format_true_output(stored)
    details = f" ({get_true_output_name(stored).lower()}: {true_output})" if true_output else ""
    text = gettext(
        "You have already reviewed this prediction: %(verdict)s%(details)s. "
        "To change your review, undo it or open the details of the prediction."
    )
    raise AlreadyReviewed(text % {"verdict": stored.get_verdict_display().lower(), "details": details})


def _list_held_ids(queue: ReviewQueue, reviewer: User) -> list[UUID]:
    reviews = Review.objects.active().filter(prediction=OuterRef("prediction"))
    claims = queue.filter_own(ReviewClaim.objects.held_by(reviewer).filter(until__gt=timezone.now()))
    ids = list(claims.filter(~Exists(reviews)).order_by("created_at").values_list("prediction", flat=True))
    found = queue.select_in_scope(ids)
    return [pk for pk in ids if pk in found]


def _fetch_predictions(ids: Sequence[UUID]) -> list[Prediction]:
    predictions = Prediction.objects.with_related().in_bulk(ids)
    return [predictions[pk] for pk in ids]


def _find_unclaimed(queue: ReviewQueue, reviewer: User) -> PredictionQuerySet:
    blocking = ReviewClaim.objects.blocking(reviewer).filter(prediction=OuterRef("pk"))
    return queue.get_predictions().filter(~Exists(blocking))


def _delete_claims(claims: QuerySet[ReviewClaim]) -> None:
    """Delete claims, except those that another transaction has locked."""
    with transaction.atomic():
        unlocked = claims.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
        ReviewClaim.objects.filter(pk__in=list(unlocked)).delete()


def _claim_unreviewed(prediction: Prediction, reviewer: User, queue: ReviewQueue) -> bool:
    """Claim a prediction; return whether the reviewer holds it and it still needs a review."""
    if not _create_claim(prediction, reviewer, queue):
        return False
    if Review.objects.active().filter(prediction=prediction).exists():  # reviewed before the claim was stored
        ReviewClaim.objects.held_by(reviewer).filter(prediction=prediction).delete()
        return False
    return True


def _create_claim(prediction: Prediction, reviewer: User, queue: ReviewQueue, **fields: datetime) -> bool:
    fields["until"] = timezone.now() + CLAIM_DURATION
    try:
        with transaction.atomic():
            lock_predictions([prediction.pk])  # before the insert, as undo does: in another order they could deadlock
            ReviewClaim.objects.create(prediction=prediction, reviewer=reviewer, picked_by=queue.picked_by, **fields)
    except IntegrityError:
        return False
    return True


def _get_time_before_claims(reviewer: User) -> datetime:
    """Return a time before all claims of a reviewer. A claim with this time comes first."""
    first = ReviewClaim.objects.held_by(reviewer).order_by("created_at").first()
    return (first.created_at if first else timezone.now()) - timedelta(milliseconds=1)
