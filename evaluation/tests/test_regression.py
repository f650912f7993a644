"""The metrics of regression models, compared with scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from evaluation.report import evaluate_version
from evaluation.tests.factories import make_predictions, make_value_reviews
from predictions.models import Review
from predictions.services import predict, review_prediction
from predictions.services.review_validation import InvalidReview

pytestmark = pytest.mark.django_db


def make_measured_predictions(version, user, reviewer):
    """Store 300 predictions, 200 of them with a true value. Return the true and predicted values of the 200."""
    rng = np.random.default_rng(3)
    true = rng.normal(150, 40, 300)
    predicted = true + rng.normal(3, 20, 300)
    predictions = make_predictions(version, user, [{"value": value} for value in predicted.tolist()])
    make_value_reviews(predictions, reviewer, true[:200].tolist())
    return true[:200], predicted[:200]


def test_errors_equal_scikit_learn(flowers, user, reviewer):
    true, predicted = make_measured_predictions(flowers, user, reviewer)
    evaluation = evaluate_version(flowers, reader=reviewer)
    regression = evaluation.regression
    assert regression.n == evaluation.decided == 200
    assert regression.mae == pytest.approx(mean_absolute_error(true, predicted))
    assert regression.rmse == pytest.approx(root_mean_squared_error(true, predicted))
    assert regression.r2 == pytest.approx(r2_score(true, predicted))
    assert regression.residuals.mean == pytest.approx((predicted - true).mean())
    counts, edges = np.histogram(predicted - true, bins=20)
    assert [n for _, _, n in regression.residuals.bins] == counts.tolist()
    assert [low for low, _, _ in regression.residuals.bins] == pytest.approx(edges[:-1].tolist())
    assert (evaluation.accuracy.value, evaluation.confusion, evaluation.calibration) == (None, None, None)
    assert evaluation.kappa is None


def test_errors_are_none_without_true_values(flowers, user, reviewer):
    prediction = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    regression = evaluate_version(flowers, reader=reviewer).regression
    assert (regression.mae, regression.rmse, regression.r2, regression.n) == (None, None, None, 0)
    assert regression.residuals.bins == []
    review_prediction(prediction=prediction, reviewer=reviewer, true_value=8)
    regression = evaluate_version(flowers, reader=reviewer).regression
    assert (regression.mae, regression.rmse, regression.r2, regression.n) == (1, 1, None, 1)
    assert regression.residuals.bins == [(1, 1, 1)]


def test_a_correct_verdict_without_a_value_does_not_replace_a_true_value(flowers, user, other, reviewer):
    prediction = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    review_prediction(prediction=prediction, reviewer=reviewer, true_value=8)
    review_prediction(prediction=prediction, reviewer=other, verdict="correct")
    regression = evaluate_version(flowers, reader=reviewer).regression
    assert (regression.n, regression.mae) == (1, 1)


def test_r2_is_none_if_all_true_values_are_equal(flowers, user, reviewer):
    predictions = make_predictions(flowers, user, [{"value": float(number)} for number in range(50)])
    make_value_reviews(predictions, reviewer, [0.1] * 50)
    regression = evaluate_version(flowers, reader=reviewer).regression
    assert (regression.n, regression.r2) == (50, None)


def test_values_beyond_float32_are_left_out(flowers, user, reviewer):
    predictions = make_predictions(flowers, user, [{"value": 1.0}, {"value": 2.0}, {"value": 1e300}])
    make_value_reviews(predictions, reviewer, [1e300, 3.0, 5.0])
    evaluation = evaluate_version(flowers, reader=reviewer)
    assert (evaluation.reviewed, evaluation.regression.n) == (3, 1)
    assert (evaluation.regression.mae, evaluation.regression.rmse) == (1, 1)
    with pytest.raises(InvalidReview, match="up to"):
        review_prediction(prediction=predictions[1], reviewer=reviewer, true_value=1e39)


def test_the_histogram_contains_every_error(flowers, user, reviewer):
    rng = np.random.default_rng(5)
    for _ in range(20):
        errors = rng.uniform(-1, 1, 2).tolist()
        errors.append(float(np.nextafter(max(errors), -np.inf)))
        predictions = make_predictions(flowers, user, [{"value": error} for error in errors])
        reviews = make_value_reviews(predictions, reviewer, [0.0] * 3)
        regression = evaluate_version(flowers, reader=reviewer).regression
        assert sum(n for _, _, n in regression.residuals.bins) == regression.n == 3
        Review.objects.filter(pk__in=[review.pk for review in reviews]).delete()
