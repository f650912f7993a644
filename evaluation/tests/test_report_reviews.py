"""Which predictions and reviews the metrics include."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.report import evaluate_version
from evaluation.tests.factories import make_predictions
from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services import review_prediction, withdraw_review
from predictions.services.review_validation import ReviewInput, validate_review
from predictions.services.reviews import save_review
from predictions.tests.factories import change_predictions, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_predictions_without_reviews_do_not_change_the_metrics(simulated, shades, user, reviewer):
    before = evaluate_version(shades, reader=reviewer)
    make_predictions(shades, user, [{"label": "white", "confidence": 0.9}] * 50)
    after = evaluate_version(shades, reader=reviewer)
    assert (after.predictions, after.reviewed) == (1050, 800)
    for name in ("accuracy", "random", "picked", "classes", "confusion", "calibration", "kappa"):
        assert getattr(after, name) == getattr(before, name)


def test_an_unsure_review_counts_as_reviewed_but_not_as_decided(shades, user, reviewer):
    review_prediction(prediction=make_prediction(user), reviewer=reviewer, verdict="unsure")
    evaluation = evaluate_version(shades, reader=reviewer)
    assert (evaluation.reviewed, evaluation.unsure, evaluation.decided) == (1, 1, 0)
    assert (evaluation.accuracy.n, evaluation.accuracy.value) == (0, None)


def test_the_newest_active_decided_review_counts(shades, user, reviewer, other):
    white = make_prediction(user, make_image(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct")
    review_prediction(prediction=white, reviewer=other, true_label="grey")
    assert evaluate_version(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    review_prediction(prediction=white, reviewer=other, verdict="unsure")
    assert evaluate_version(shades, reader=reviewer).confusion.matrix == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    withdraw_review(prediction=white, reviewer=reviewer)
    evaluation = evaluate_version(shades, reader=reviewer)
    assert (evaluation.reviewed, evaluation.accuracy.n) == (1, 0)


def test_a_corrected_review_stays_in_the_random_sample(shades, user, reviewer):
    white = make_prediction(user, make_image(255))
    review_prediction(prediction=white, reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=white, reviewer=reviewer, true_label="grey", picked_by="manual")
    evaluation = evaluate_version(shades, reader=reviewer)
    assert (evaluation.random.value, evaluation.random.n, evaluation.picked.n) == (0, 1, 0)
    assert evaluate_version(shades, reader=reviewer, picked_by="uncertain").reviewed == 0
    assert evaluate_version(shades, reader=reviewer, picked_by="random").accuracy.n == 1


def test_since_and_picked_by_filter_predictions(simulated, shades, reviewer):
    old = [prediction.pk for prediction in simulated.predictions[:100]]
    now = timezone.now()
    change_predictions(Prediction.objects.filter(pk__in=old), created_at=now - timedelta(days=3))
    recent = evaluate_version(shades, reader=reviewer, since=now - timedelta(days=1))
    assert (recent.predictions, recent.reviewed, recent.random.n) == (900, 700, 400)
    random = evaluate_version(shades, reader=reviewer, picked_by="random")
    assert (random.predictions, random.reviewed, random.accuracy) == (1000, 500, random.random)


def test_users_see_the_metrics_of_their_own_predictions(simulated, shades, user, other):
    assert evaluate_version(shades, reader=user).predictions == 1000
    evaluation = evaluate_version(shades, reader=other)
    assert (evaluation.predictions, evaluation.reviewed) == (0, 0)
    assert (evaluation.accuracy.n, evaluation.kappa) == (0, None)


def test_failed_predictions_are_not_counted(shades, user, reviewer):
    failed = {"status": "failed", "output": None, "error_code": "model-failed"}
    make_predictions(shades, user, [failed] * 3)
    assert evaluate_version(shades, reader=reviewer).predictions == 0


def test_other_versions_are_not_counted(simulated, shades, reviewer, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    assert evaluate_version(second, reader=reviewer).predictions == 0


def test_a_prediction_with_no_true_label_lowers_the_precision_of_its_label(shades, user, reviewer):
    predictions = [make_prediction(user, make_image(shade)) for shade in (0, 5, 127)]
    review_prediction(prediction=predictions[0], reviewer=reviewer, verdict="correct")
    for prediction in predictions[1:]:
        review = validate_review(prediction, ReviewInput("", has_no_label=True))
        save_review(review=review, prediction=prediction, reviewer=reviewer, picked_by="random")
    evaluation = evaluate_version(shades, reader=reviewer)
    assert (evaluation.accuracy.n, evaluation.accuracy.value) == (3, 1 / 3)
    assert [(row.precision, row.recall, row.support) for row in evaluation.classes] == [
        (0.5, 1, 1),
        (0, None, 0),
        (None, None, 0),
    ]
    assert evaluation.confusion.matrix == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert evaluation.common_errors == []
