"""Walk through the review queue: a prediction lies before one person at a time, and comes back when it is abandoned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import User
from inference.errors import InferenceError
from predictions.models import Prediction, Review, ReviewClaim
from predictions.presentation import format_true_output
from predictions.review_strategies import get_review_queue
from predictions.services.reviews import ReviewInput, review_prediction, validate_review, withdraw_review
from registry.models import ModelVersion

AT_HAND = 2  # predictions: the one that is looked at, and the next
CLAIMED_FOR = timedelta(minutes=10)
SKIPPED_FOR = timedelta(hours=12)
UNDO_WITHIN = timedelta(hours=1)
TRIES = 20  # to claim, while others claim too


class ClaimedByAnother(InferenceError):
    """Somebody else has judged a prediction, or has it before them."""

    code = "taken-by-another"


class AlreadyReviewed(InferenceError):
    """The same person has said something else of a prediction."""

    code = "judged-before"


def claim_next(*, reviewer: User, version: ModelVersion, order: str, label: str = "") -> list[Prediction]:
    """Return the predictions that lie before a person now: those they had, then the next that nobody else has.

    What they had in another order or of another version goes back, so that `picked_by` is how they really came upon it.

    Args:
        order: one of `predictions.review_strategies.ORDERS`.
        label: of the answers, when the order is by label.

    Returns:
        Up to two, the first one to be judged now; or more, after `undo`. None: all are judged or before others.
    """
    _drop(ReviewClaim.objects.filter(until__lte=timezone.now()))
    mine = _claims_of(reviewer).filter(prediction__model_version=version, picked_by=order)
    if label:
        mine = mine.filter(prediction__label=label)
    judged = Review.objects.active().filter(prediction=OuterRef("prediction"))
    kept = list(mine.filter(~Exists(judged)).order_by("created_at").values_list("prediction", flat=True))
    _drop(_claims_of(reviewer).exclude(prediction__in=kept))
    _claims_of(reviewer).update(until=timezone.now() + CLAIMED_FOR)
    for _ in range(TRIES):
        if len(kept) >= AT_HAND:
            break
        candidate = _free(reviewer, version, order, label)
        if candidate is None:
            break
        if _take(candidate, reviewer, order):
            kept.append(candidate.pk)
    found = Prediction.objects.with_related().in_bulk(kept)
    return [found[key] for key in kept]


def review_claimed(*, prediction: Prediction, reviewer: User, **opinion: Any) -> Review:
    """Keep a person's opinion of a prediction that the queue gave them; said twice it is stored once.

    How they came upon it is what their claim says. Without one, `manual`: nobody gets a prediction into the fair sample
    by saying so.

    Args:
        opinion: as `review_prediction` takes it.

    Raises:
        TakenByAnother: the claim had run out, and another person has judged it or has it before them.
        JudgedBefore: this person has said something else of it.
        NotReviewable, InvalidReview: as `review_prediction` does.
    """
    checked = validate_review(prediction, ReviewInput(**opinion))
    with transaction.atomic():
        _lock(prediction)
        opinions = list(Review.objects.active().filter(prediction=prediction).select_related("reviewer"))
        mine = next((one for one in opinions if one.reviewer_id == reviewer.pk), None)
        if mine is not None:
            return _said_again(mine, checked)
        if opinions:
            raise ClaimedByAnother(f"{opinions[0].reviewer or 'Somebody'} judged it meanwhile. Yours was not stored.")
        claims = ReviewClaim.objects.filter(prediction=prediction, skipped=False)
        if claims.filter(until__gt=timezone.now()).exclude(reviewer=reviewer).exists():
            raise ClaimedByAnother("It was left too long and lies before somebody else now. Your verdict was not stored.")
        claim = claims.filter(reviewer=reviewer).first()
        picked_by = claim.picked_by if claim else Review.PickedBy.MANUAL
        review = review_prediction(prediction=prediction, reviewer=reviewer, picked_by=picked_by, **opinion)
        ReviewClaim.objects.filter(prediction=prediction, reviewer=reviewer).delete()
    return review


def skip(*, prediction: Prediction, reviewer: User, order: str) -> None:
    """Put a prediction back for others, and keep it from this person for some hours."""
    now = timezone.now()
    with transaction.atomic():
        _lock(prediction)
        ReviewClaim.objects.update_or_create(
            prediction=prediction,
            reviewer=reviewer,
            defaults={"skipped": True, "picked_by": order, "created_at": now, "until": now + SKIPPED_FOR},
        )


def undo(*, reviewer: User, version: ModelVersion, order: str, label: str = "") -> Prediction | None:
    """Take back a person's last verdict or skip in this queue, of the last hour, and lay the prediction before them again.

    Args:
        order: what they walk through; what they did in another order or label stays.

    Returns:
        The prediction; None when there is nothing to undo, or when another has what was skipped before them by now.
    """
    last = _last_done(reviewer, version, order, label)
    if last is None:
        return None
    prediction = Prediction.objects.with_related().get(pk=last.prediction_id)
    with transaction.atomic():
        _lock(prediction)
        if isinstance(last, Review):
            withdraw_review(prediction=prediction, reviewer=reviewer)
        else:
            last.delete()
        claimed = _claim(prediction, reviewer, order, created_at=_before_all_of(reviewer))
    return prediction if claimed or isinstance(last, Review) else None


def _last_done(reviewer: User, version: ModelVersion, order: str, label: str) -> Review | ReviewClaim | None:
    made: dict[str, Any] = {
        "reviewer": reviewer,
        "picked_by": order,
        "prediction__model_version": version,
        "created_at__gt": timezone.now() - UNDO_WITHIN,
    }
    if label:
        made["prediction__label"] = label
    review = Review.objects.active().filter(**made).order_by("-id").first()
    skipped = ReviewClaim.objects.filter(skipped=True, **made).order_by("-created_at").first()
    return skipped if skipped and (review is None or skipped.created_at > review.created_at) else review


def _said_again(before: Review, opinion: ReviewInput) -> Review:
    if (before.verdict, before.true_label, before.true_value) == (
        opinion.verdict, opinion.true_label, opinion.true_value,
    ):  # fmt: skip
        return before
    true_output = format_true_output(before)
    truth = f", it is {true_output}" if true_output else ""
    raise AlreadyReviewed(
        f"You said of it before: {before.verdict}{truth}. To say otherwise, undo that, or open its details."
    )


def _lock(prediction: Prediction) -> None:
    """Let one person at a time decide about a prediction. Who touches its claims comes this way: none waits in a circle."""
    Prediction.objects.select_for_update().only("pk").get(pk=prediction.pk)


def _drop(claims: Any) -> None:
    """Delete claims, save those that somebody is at just now."""
    with transaction.atomic():
        found = claims.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
        ReviewClaim.objects.filter(pk__in=list(found)).delete()


def _claims_of(reviewer: User) -> Any:
    return ReviewClaim.objects.filter(reviewer=reviewer, skipped=False)


def _free(reviewer: User, version: ModelVersion, order: str, label: str) -> Prediction | None:
    """Return the first that waits and is neither before anybody nor skipped by this person."""
    in_the_way = ReviewClaim.objects.blocking(reviewer).filter(prediction=OuterRef("pk"))
    return get_review_queue(version, order=order, label=label).filter(~Exists(in_the_way)).first()


def _take(prediction: Prediction, reviewer: User, order: str) -> bool:
    """Return whether the prediction lies before this person now, and still waits for a verdict."""
    if not _claim(prediction, reviewer, order):
        return False
    if Review.objects.active().filter(prediction=prediction).exists():  # judged between the look and the claim
        _claims_of(reviewer).filter(prediction=prediction).delete()
        return False
    return True


def _claim(prediction: Prediction, reviewer: User, order: str, **fields: Any) -> bool:
    fields |= {"prediction": prediction, "reviewer": reviewer, "picked_by": order, "until": timezone.now() + CLAIMED_FOR}
    try:
        with transaction.atomic():
            ReviewClaim.objects.create(**fields)
    except IntegrityError:
        return False
    return True


def _before_all_of(reviewer: User) -> datetime:
    """Return a time before that of all that lies before a person."""
    first = _claims_of(reviewer).order_by("created_at").first()
    return (first.created_at if first else timezone.now()) - timedelta(milliseconds=1)
