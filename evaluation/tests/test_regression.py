"""The errors of values as the database sums them up, against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from evaluation.comparison import compare
from evaluation.report import evaluate_version
from evaluation.tests.factories import make_predictions
from predictions.models import Review
from predictions.services import predict, review_prediction
from predictions.services.review_validation import InvalidReview
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(flowers, user, reviewer):
    rng = np.random.default_rng(3)
    truth = rng.normal(150, 40, 300)
    said = truth + rng.normal(3, 20, 300)
    rows = make_predictions(flowers, user, [{"value": value} for value in said.tolist()])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=value, picked_by="random")
        for one, value in zip(rows, truth[:200].tolist(), strict=False)
    )
    return truth[:200], said[:200]


def test_the_errors_of_values_are_scikit_learns(measured, flowers, reviewer):
    truth, said = measured
    found = evaluate_version(flowers, reader=reviewer)
    assert found.regression.n == 200
    assert found.regression.mae == pytest.approx(mean_absolute_error(truth, said))
    assert found.regression.rmse == pytest.approx(root_mean_squared_error(truth, said))
    assert found.regression.r2 == pytest.approx(r2_score(truth, said))
    assert found.regression.residuals.mean == pytest.approx((said - truth).mean())
    counts, edges = np.histogram(said - truth, bins=20)
    assert [n for _, _, n in found.regression.residuals.bins] == counts.tolist()
    assert [low for low, _, _ in found.regression.residuals.bins] == pytest.approx(edges[:-1].tolist())
    assert (found.accuracy.value, found.confusion, found.calibration, found.kappa) == (None, None, None, None)


def test_of_values_nobody_judged_no_error_is_known(flowers, user, reviewer):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    found = evaluate_version(flowers, reader=reviewer).regression
    assert (found.mae, found.rmse, found.r2, found.n, found.residuals.bins) == (None, None, None, 0, [])
    review_prediction(prediction=row, reviewer=reviewer, true_value=8)
    found = evaluate_version(flowers, reader=reviewer).regression
    assert (found.mae, found.rmse, found.r2, found.n) == (1, 1, None, 1)
    assert found.residuals.bins == [(1, 1, 1)]


def test_who_says_no_more_than_right_takes_no_measured_value_away(flowers, user, other, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    features = {"length": 4, "petals": 5}
    row, beside = (predict(user=user, source="api", features=features, model=str(one)) for one in (flowers, second))
    review_prediction(prediction=row, reviewer=reviewer, true_value=8)
    review_prediction(prediction=row, reviewer=other, verdict="correct")
    review_prediction(prediction=beside, reviewer=other, verdict="correct")
    found = evaluate_version(flowers, reader=reviewer).regression
    assert (found.n, found.mae) == (1, 1)
    assert compare(flowers, second, reader=reviewer).n == 1


def test_of_truths_that_are_all_the_same_r2_is_not_known(flowers, user, reviewer):
    rows = make_predictions(flowers, user, [{"value": float(number)} for number in range(50)])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=0.1, picked_by="random") for one in rows
    )
    found = evaluate_version(flowers, reader=reviewer).regression
    assert (found.n, found.r2) == (50, None)


def test_a_huge_truth_or_answer_breaks_nothing(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows())
    rows = make_predictions(flowers, user, [{"value": 1.0}, {"value": 2.0}, {"value": 1e300}])
    rows += make_predictions(second, user, [{"value": 3.0}, {"value": 3.0}, {"value": -1e300}])
    Review.objects.bulk_create(
        Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=truth, picked_by="random")
        for one, truth in zip(rows, [1e300, 3.0, 5.0], strict=False)
    )
    found = evaluate_version(flowers, reader=reviewer)
    assert (found.reviewed, found.regression.n, found.regression.mae, found.regression.rmse) == (3, 1, 1, 1)
    beside = compare(flowers, second, reader=reviewer)
    assert (beside.n, beside.mae, beside.other_mae) == (1, 1, 0)
    with pytest.raises(InvalidReview, match="up to"):
        review_prediction(prediction=rows[1], reviewer=reviewer, true_value=1e39)


def test_no_error_falls_out_of_the_histogram(flowers, user, reviewer):
    rng = np.random.default_rng(5)
    for _ in range(20):
        errors = rng.uniform(-1, 1, 2).tolist()
        errors.append(float(np.nextafter(max(errors), -np.inf)))
        rows = make_predictions(flowers, user, [{"value": error} for error in errors])
        reviews = Review.objects.bulk_create(
            Review(prediction=one, reviewer=reviewer, verdict="incorrect", true_value=0.0, picked_by="random")
            for one in rows
        )
        found = evaluate_version(flowers, reader=reviewer).regression
        assert sum(n for _, _, n in found.residuals.bins) == found.n == 3
        Review.objects.filter(pk__in=[one.pk for one in reviews]).delete()
