"""The review queue records how a prediction was selected for review. Nobody can choose it."""

import pytest

from inference.tests.factories import make_noise_image
from predictions.models import Review, ReviewClaim
from predictions.review_strategies import ReviewQueue
from predictions.services.review_queue import claim_next, review_claimed, skip_prediction, undo_last_action
from predictions.services.review_validation import ReviewInput
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def chosen(shades, user):
    """Return a prediction that is last in the random sample."""
    for number in range(5):
        make_prediction(user, make_noise_image(number))
    return ReviewQueue(shades, "random").get_predictions().last()


def review(prediction, reviewer):
    return review_claimed(prediction=prediction, reviewer=reviewer, review=ReviewInput("correct")).picked_by


def test_a_skip_without_a_claim_does_not_put_a_prediction_into_the_random_sample(shades, reviewer, chosen):
    queue = ReviewQueue(shades, "random")
    skip_prediction(prediction=chosen, reviewer=reviewer)
    assert undo_last_action(queue=queue, reviewer=reviewer) is None
    assert chosen not in claim_next(queue=queue, reviewer=reviewer)
    assert review(chosen, reviewer) == "manual"


def test_a_skip_does_not_move_a_claim_to_another_queue(shades, reviewer, user):
    """The prediction was claimed in one queue, and is skipped and restored in another one."""
    make_prediction(user)
    newest, random = ReviewQueue(shades, "newest"), ReviewQueue(shades, "random")
    (prediction,) = claim_next(queue=newest, reviewer=reviewer)
    skip_prediction(prediction=prediction, reviewer=reviewer)
    assert undo_last_action(queue=random, reviewer=reviewer) is None
    assert undo_last_action(queue=newest, reviewer=reviewer) == prediction
    assert review(prediction, reviewer) == "newest"


def test_a_skip_sent_twice_keeps_the_selection(shades, reviewer, chosen):
    queue = ReviewQueue(shades, "random")
    prediction, _ = claim_next(queue=queue, reviewer=reviewer)
    for _ in range(2):
        skip_prediction(prediction=prediction, reviewer=reviewer)
    assert undo_last_action(queue=queue, reviewer=reviewer) == prediction
    assert review(prediction, reviewer) == "random"
    assert not ReviewClaim.objects.filter(prediction=prediction).exists()
    assert Review.objects.get().prediction == prediction
