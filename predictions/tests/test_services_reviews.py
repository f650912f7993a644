"""Validate, store and withdraw reviews."""

import pytest

from inference.tests.factories import make_image
from predictions.models import Prediction, Review
from predictions.models.review import MAX_COMMENT_CHARACTERS
from predictions.services import predict, review_prediction, withdraw_review
from predictions.services.ground_truth import review_predictions
from predictions.services.review_queue import review_claimed
from predictions.services.review_validation import InvalidReview, NotReviewable, ReviewInput
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def white(shades, user):
    return make_prediction(user, make_image(255))


@pytest.fixture
def row(flowers, user):
    return predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")


def test_true_label_is_the_other_one_of_two_labels(write_dummy, user):
    register_model(path=write_dummy(labels=["dark", "light"]), promote=True)
    review = review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=user, verdict="incorrect")
    assert review.true_label == "dark"


def test_new_reviews_withdraw_the_earlier_review_of_the_same_person(white, user, other):
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    review_prediction(prediction=white, reviewer=other, verdict="incorrect", true_label="grey")
    review_prediction(prediction=white, reviewer=user, verdict="unsure")
    reviews = [
        (review.reviewer.username, review.verdict, review.withdrawn_at is None) for review in Review.objects.order_by("id")
    ]
    assert reviews == [("ada", "correct", False), ("eve", "incorrect", True), ("ada", "unsure", True)]
    assert withdraw_review(prediction=white, reviewer=user)
    assert not withdraw_review(prediction=white, reviewer=user)
    assert Review.objects.active().get().reviewer == other


def test_failed_predictions_cannot_be_reviewed(register_failing, user):
    failed = make_prediction(user, model=str(register_failing(nan=True)))
    with pytest.raises(NotReviewable, match="The status of this one is failed"):
        review_prediction(prediction=failed, reviewer=user, verdict="correct")


@pytest.mark.parametrize(("value", "code"), [(float("nan"), "not-finite"), (float("inf"), "not-finite")])
def test_true_values_must_be_finite(row, user, value, code):
    with pytest.raises(InvalidReview) as caught:
        review_prediction(prediction=row, reviewer=user, true_value=value)
    assert caught.value.code == code


def test_all_ways_to_review_use_the_same_validation(white, user):
    review = {"verdict": "correct", "comment": "x" * (MAX_COMMENT_CHARACTERS + 1)}
    for function, arguments in (
        (review_prediction, {"prediction": white, "reviewer": user, **review}),
        (review_claimed, {"prediction": white, "reviewer": user, "review": ReviewInput(**review)}),
    ):
        with pytest.raises(InvalidReview) as caught:
            function(**arguments)
        assert caught.value.code == "too-long"
    [result] = review_predictions(items=[{"id": white.pk, **review}], reviewer=user)
    assert result.error.code == "too-long"
    assert not Review.objects.exists()


def test_reviews_with_different_values_or_verdicts_are_conflicting(row, shades, user, other, reviewer):
    white = make_prediction(user, make_image(255), model=str(shades))

    def find_conflicts():
        return list(Prediction.objects.with_conflicting_reviews())

    review_prediction(prediction=row, reviewer=user, true_value=1)
    review_prediction(prediction=row, reviewer=other, true_value=1)
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    review_prediction(prediction=white, reviewer=other, verdict="unsure")
    assert find_conflicts() == []
    review_prediction(prediction=row, reviewer=reviewer, true_value=2)
    assert find_conflicts() == [row]
    withdraw_review(prediction=row, reviewer=reviewer)
    assert find_conflicts() == []
    review_prediction(prediction=white, reviewer=other, verdict="incorrect", true_label="grey")
    assert find_conflicts() == [white]
    review_prediction(prediction=white, reviewer=user, verdict="incorrect", true_label="grey")
    assert find_conflicts() == []
    review_prediction(prediction=white, reviewer=user, verdict="incorrect", true_label="black")
    assert find_conflicts() == [white]
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    assert not Prediction.objects.unanimously_correct()
    assert list(Prediction.objects.unanimously_incorrect()) == [row]
