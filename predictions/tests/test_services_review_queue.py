"""The review queue: claims, reviews, skip and undo."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import add_reviewer
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Prediction, Review, ReviewClaim
from predictions.review_strategies import ReviewQueue
from predictions.services import predict, review_prediction
from predictions.services.review_queue import (
    CLAIM_DURATION,
    SKIP_DURATION,
    AlreadyReviewed,
    ClaimedByAnother,
    claim_next,
    get_held_predictions,
    has_unclaimed_predictions,
    review_claimed,
    skip_prediction,
    undo_last_action,
)
from predictions.services.review_validation import InvalidReview, ReviewInput
from predictions.tests.factories import change_predictions, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_reviewer(make_user):
    return add_reviewer(user=make_user("otto"))


@pytest.fixture
def predictions(shades, user):
    """Return nine predictions with different scores."""
    return [make_prediction(user, make_image(shade)) for shade in (0, 30, 60, 90, 120, 150, 180, 210, 255)]


def claim(reviewer, version, strategy="newest", label=""):
    queue = ReviewQueue(version, strategy, label)
    return [prediction.pk for prediction in claim_next(queue=queue, reviewer=reviewer)]


def review_by_id(pk, reviewer, verdict="correct", **fields):
    prediction = Prediction.objects.with_related().get(pk=pk)
    return review_claimed(prediction=prediction, reviewer=reviewer, review=ReviewInput(verdict, **fields))


def undo(reviewer, version, strategy="newest", label=""):
    return undo_last_action(queue=ReviewQueue(version, strategy, label), reviewer=reviewer)


def expire_claims(claims=None):
    (claims or ReviewClaim.objects).update(until=timezone.now() - timedelta(seconds=1))


def test_failed_and_reviewed_predictions_are_not_in_the_queue(predictions, shades, user, reviewer):
    review_prediction(prediction=predictions[8], reviewer=user, verdict="unsure")
    change_predictions(
        Prediction.objects.filter(pk=predictions[7].pk), status="failed", output=None, error_code="model-failed"
    )
    assert claim(reviewer, shades) == [predictions[6].pk, predictions[5].pk]


def test_claims_stay_until_they_are_reviewed(predictions, shades, reviewer):
    first = claim(reviewer, shades)
    assert first == [predictions[8].pk, predictions[7].pk]
    assert claim(reviewer, shades) == first
    review_by_id(first[0], reviewer)
    assert claim(reviewer, shades) == [predictions[7].pk, predictions[6].pk]


def test_two_reviewers_never_claim_the_same_prediction(predictions, shades, reviewer, other_reviewer):
    walked = [claim(person, shades) for person in (reviewer, other_reviewer)]
    assert walked == [[predictions[8].pk, predictions[7].pk], [predictions[6].pk, predictions[5].pk]]


def test_expired_claims_go_to_other_reviewers(predictions, shades, reviewer, other_reviewer):
    claim(reviewer, shades)
    expire_claims()
    assert claim(other_reviewer, shades) == [predictions[8].pk, predictions[7].pk]
    assert claim(reviewer, shades) == [predictions[6].pk, predictions[5].pk]


def test_claim_next_extends_claims(predictions, shades, reviewer):
    claim(reviewer, shades)
    ReviewClaim.objects.update(until=timezone.now() + timedelta(seconds=5))
    claim(reviewer, shades)
    assert all(row.until > timezone.now() + CLAIM_DURATION / 2 for row in ReviewClaim.objects.all())


def test_reading_the_queue_writes_nothing(predictions, shades, reviewer):
    queue = ReviewQueue(shades, "newest")
    assert get_held_predictions(queue=queue, reviewer=reviewer) == []
    assert has_unclaimed_predictions(queue=queue, reviewer=reviewer)
    assert not ReviewClaim.objects.exists()
    claimed = claim_next(queue=queue, reviewer=reviewer)
    before = list(ReviewClaim.objects.order_by("id").values())
    assert get_held_predictions(queue=queue, reviewer=reviewer) == claimed
    assert get_held_predictions(queue=ReviewQueue(shades, "random"), reviewer=reviewer) == []
    assert list(ReviewClaim.objects.order_by("id").values()) == before
    expire_claims()
    assert get_held_predictions(queue=queue, reviewer=reviewer) == []


def test_queue_has_no_unclaimed_predictions_when_others_hold_them(predictions, shades, reviewer, other_reviewer):
    change_predictions(
        Prediction.objects.exclude(pk=predictions[0].pk), status="failed", output=None, error_code="model-failed"
    )
    claim(other_reviewer, shades)
    assert not has_unclaimed_predictions(queue=ReviewQueue(shades, "newest"), reviewer=reviewer)


def test_changing_the_strategy_releases_earlier_claims(predictions, shades, reviewer):
    claim(reviewer, shades, "newest")
    expected = [row.pk for row in ReviewQueue(shades, "random").get_predictions()[:2]]
    assert claim(reviewer, shades, "random") == expected
    assert set(ReviewClaim.objects.values_list("picked_by", flat=True)) == {"random"}
    review_by_id(claim(reviewer, shades, "random")[0], reviewer)
    assert Review.objects.get().picked_by == "random"


def test_same_review_sent_twice_is_stored_once(predictions, shades, reviewer):
    first, _ = claim(reviewer, shades)
    assert review_by_id(first, reviewer) == review_by_id(first, reviewer)
    assert Review.objects.count() == 1


def test_different_review_of_a_reviewed_prediction_is_rejected(predictions, shades, reviewer):
    first, _ = claim(reviewer, shades)
    review_by_id(first, reviewer)
    with pytest.raises(AlreadyReviewed, match="You have already reviewed this prediction: correct \\(true label: white\\)"):
        review_by_id(first, reviewer, verdict="incorrect", true_label="grey")
    assert Review.objects.get().verdict == "correct"


def test_reviews_without_a_claim_are_manual(predictions, shades, reviewer):
    review_by_id(predictions[0].pk, reviewer)
    assert Review.objects.get().picked_by == "manual"


def test_undo_is_limited_to_its_strategy_and_label(predictions, shades, reviewer):
    for strategy, label in (("uncertain", ""), ("label", "grey")):
        pk = claim(reviewer, shades, strategy, label)[0]
        review_by_id(pk, reviewer)
    claim(reviewer, shades, "newest")
    assert undo(reviewer, shades) is None
    assert undo(reviewer, shades, "label", "white") is None
    assert Review.objects.active().count() == 2
    assert undo(reviewer, shades, "label", "grey").pk == pk
    assert claim(reviewer, shades, "label", "grey")[0] == pk


def test_predictions_of_another_reviewer_cannot_be_reviewed(predictions, shades, reviewer, other_reviewer):
    first, _ = claim(reviewer, shades)
    expire_claims()
    assert claim(other_reviewer, shades)[0] == first
    with pytest.raises(ClaimedByAnother, match="another reviewer has this prediction"):
        review_by_id(first, reviewer)
    review_by_id(first, other_reviewer)
    with pytest.raises(ClaimedByAnother, match="otto has already reviewed this prediction"):
        review_by_id(first, reviewer)
    assert Review.objects.get().reviewer == other_reviewer


def test_expired_claims_that_nobody_else_claimed_can_be_reviewed(predictions, shades, reviewer):
    first, _ = claim(reviewer, shades)
    expire_claims()
    review_by_id(first, reviewer)
    assert Review.objects.get().prediction_id == first


def test_invalid_reviews_keep_the_claim(predictions, shades, reviewer):
    first, _ = claim(reviewer, shades)
    with pytest.raises(InvalidReview):
        review_by_id(first, reviewer, verdict="incorrect")
    assert claim(reviewer, shades)[0] == first


def test_skipped_predictions_go_to_others_and_return_later(predictions, shades, reviewer, other_reviewer):
    first, second = claim(reviewer, shades)
    skip_prediction(prediction=predictions[8], reviewer=reviewer)
    assert claim(reviewer, shades) == [second, predictions[6].pk]
    assert claim(other_reviewer, shades)[0] == first
    skipped = ReviewClaim.objects.filter(skipped=True)
    assert skipped.get().until > timezone.now() + SKIP_DURATION / 2
    expire_claims(skipped)
    ReviewClaim.objects.filter(skipped=False).delete()
    assert claim(reviewer, shades)[0] == first


def test_a_skip_can_be_undone_when_the_claim_of_another_reviewer_has_expired(predictions, shades, reviewer, other_reviewer):
    first, _ = claim(reviewer, shades)
    skip_prediction(prediction=predictions[8], reviewer=reviewer)
    assert claim(other_reviewer, shades)[0] == first
    expire_claims(ReviewClaim.objects.filter(reviewer=other_reviewer))
    assert undo(reviewer, shades).pk == first
    assert claim(reviewer, shades)[0] == first


def test_undo_reverts_reviews_and_skips_in_reverse_order(predictions, shades, reviewer):
    first, second = claim(reviewer, shades)
    review_by_id(first, reviewer)
    skip_prediction(prediction=predictions[7], reviewer=reviewer)
    third, fourth = claim(reviewer, shades)
    assert undo(reviewer, shades).pk == second
    assert claim(reviewer, shades) == [second, third, fourth]
    assert undo(reviewer, shades).pk == first
    assert claim(reviewer, shades) == [first, second, third, fourth]
    assert not Review.objects.active().exists()
    assert Review.objects.count() == 1
    assert undo(reviewer, shades) is None


def test_undo_ignores_other_reviewers_old_reviews_and_reviews_outside_the_queue(
    predictions, shades, reviewer, other_reviewer
):
    review_by_id(claim(other_reviewer, shades)[0], other_reviewer)
    review_prediction(prediction=predictions[1], reviewer=reviewer, verdict="unsure")
    old = claim(reviewer, shades)[0]
    review_by_id(old, reviewer)
    Review.objects.filter(prediction=old).update(created_at=timezone.now() - timedelta(hours=2))
    assert undo(reviewer, shades) is None
    assert Review.objects.active().count() == 3


def test_label_strategy_claims_one_label_only(predictions, shades, reviewer):
    claimed = Prediction.objects.in_bulk(claim(reviewer, shades, "label", "black"))
    assert {prediction.label for prediction in claimed.values()} == {"black"}
    assert claim(reviewer, shades, "label", "white")
    assert {row.prediction.label for row in ReviewClaim.objects.all()} == {"white"}


def test_versions_have_separate_queues(predictions, shades, reviewer, user, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    newer = make_prediction(user, make_noise_image(1))
    assert claim(reviewer, second) == [newer.pk]
    assert len(claim(reviewer, shades)) == 2


def test_regression_predictions_can_be_reviewed(flowers, user, reviewer):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    assert claim(reviewer, flowers, "random") == [row.pk]
    review_by_id(row.pk, reviewer, verdict="", true_value=9.5)
    assert Review.objects.get().verdict == "incorrect"
