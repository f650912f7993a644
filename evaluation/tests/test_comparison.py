"""Comparison of two versions on the inputs for which both have a prediction."""

import numpy as np
import pytest
from django.utils import timezone

from evaluation.comparison import compare_versions
from evaluation.tests.factories import make_predictions, make_value_reviews
from inference.tests.factories import make_image
from predictions.models import Prediction, ReviewSummary
from predictions.services import predict, review_prediction
from predictions.services.summaries import SUMMARY_DELAY, update_summaries
from predictions.tests.factories import change_predictions, make_prediction
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_versions_are_compared_on_inputs_with_predictions_of_both(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for shade in (0, 30, 127, 255):
        predictions = [make_prediction(user, make_image(shade), model=str(version)) for version in (shades, second)]
        true_label = "grey" if shade == 30 else predictions[0].label
        review_prediction(prediction=predictions[shade % 2], reviewer=reviewer, true_label=true_label)
    make_prediction(user, make_image(200), model=str(second))
    only_first = make_prediction(user, make_image(210), model=str(shades))
    review_prediction(prediction=only_first, reviewer=reviewer, verdict="correct")
    comparison = compare_versions(shades, second, reader=reviewer)
    assert (comparison.first, comparison.second) == (1, 2)
    assert (comparison.n, comparison.both, comparison.only_first, comparison.only_second) == (4, 1, 2, 0)
    assert comparison.neither == 1
    assert (comparison.accuracy.value, comparison.other_accuracy.value, comparison.same) == (0.75, 0.25, 0.25)
    assert comparison.p == 0.5
    swapped = compare_versions(second, shades, reader=reviewer)
    assert (swapped.only_first, swapped.only_second, swapped.accuracy.value) == (0, 2, 0.25)


def test_an_input_submitted_twice_counts_once_with_its_newest_prediction_and_review(
    shades, user, reviewer, other, write_dummy
):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for _ in range(2):
        first = make_prediction(user, make_image(255), model=str(shades))
    review_prediction(prediction=first, reviewer=reviewer, true_label="grey")
    of_other = make_prediction(other, make_image(255), model=str(second))
    review_prediction(prediction=of_other, reviewer=reviewer, verdict="correct")
    comparison = compare_versions(shades, second, reader=reviewer)
    assert (comparison.n, comparison.both) == (1, 1)
    assert compare_versions(shades, second, reader=user).n == 0
    review_prediction(prediction=of_other, reviewer=reviewer, verdict="unsure")
    assert compare_versions(shades, second, reader=reviewer).neither == 1


def test_predictions_of_the_same_stored_input_are_compared(shades, user, reviewer, write_dummy):
    """A replay does not store the input again."""
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    first, replayed = (
        make_prediction(user, make_image(shade), model=f"shades:{name}") for shade, name in ((255, "1"), (9, "2"))
    )
    change_predictions(Prediction.objects.filter(pk=replayed.pk), input=first.input)
    review_prediction(prediction=first, reviewer=reviewer, verdict="correct")
    comparison = compare_versions(shades, second, reader=reviewer)
    assert (comparison.n, comparison.both) == (1, 1)


def test_reviews_of_other_users_predictions_are_not_used(shades, user, other, reviewer, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for version in (shades, second):
        make_prediction(user, make_image(255), model=str(version))
    of_other = make_prediction(other, make_image(255), model=str(shades))
    review_prediction(prediction=of_other, reviewer=reviewer, verdict="correct")
    assert compare_versions(shades, second, reader=user).n == 0
    assert compare_versions(shades, second, reader=reviewer).n == 1


def test_regression_versions_are_compared_by_their_errors(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    predictions = [
        predict(user=user, source="api", features={"length": length, "petals": 5}, model=str(version))
        for length in (1, 2, 3)
        for version in (flowers, second)
    ]
    for prediction in predictions[::2]:
        review_prediction(prediction=prediction, reviewer=reviewer, true_value=prediction.value + 1)
    comparison = compare_versions(flowers, second, reader=reviewer)
    true, predicted = np.array([7.0, 8, 9]), np.array([12.0, 14, 16])
    assert (comparison.n, comparison.mae, comparison.other_mae) == (3, 1, np.abs(true - predicted).mean())
    assert comparison.mean_difference == np.abs(predicted - (true - 1)).mean()
    assert comparison.accuracy.value is None


def test_a_correct_verdict_without_a_value_does_not_replace_a_true_value(flowers, user, other, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    features = {"length": 4, "petals": 5}
    first, other_prediction = (
        predict(user=user, source="api", features=features, model=str(version)) for version in (flowers, second)
    )
    review_prediction(prediction=first, reviewer=reviewer, true_value=8)
    review_prediction(prediction=first, reviewer=other, verdict="correct")
    review_prediction(prediction=other_prediction, reviewer=other, verdict="correct")
    assert compare_versions(flowers, second, reader=reviewer).n == 1


def test_values_beyond_float32_are_left_out(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows())
    predictions = make_predictions(flowers, user, [{"value": 1.0}, {"value": 2.0}, {"value": 1e300}])
    make_predictions(second, user, [{"value": 3.0}, {"value": 3.0}, {"value": -1e300}])
    make_value_reviews(predictions, reviewer, [1e300, 3.0, 5.0])
    comparison = compare_versions(flowers, second, reader=reviewer)
    assert (comparison.n, comparison.mae, comparison.other_mae) == (1, 1, 0)


def test_versions_without_a_common_input_have_no_metrics(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy())
    comparison = compare_versions(shades, second, reader=reviewer)
    assert (comparison.n, comparison.accuracy.value, comparison.same, comparison.p) == (0, None, None, None)
    assert ModelVersion.objects.count() == 2


def test_reviews_before_and_after_an_update_of_the_summaries_are_used(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for shade in (0, 255):
        predictions = [make_prediction(user, make_image(shade), model=str(version)) for version in (shades, second)]
        review_prediction(prediction=predictions[0], reviewer=reviewer, verdict="correct")
        if shade == 0:
            update_summaries(now=timezone.now() + SUMMARY_DELAY)
            assert ReviewSummary.objects.count() == 1
    comparison = compare_versions(shades, second, reader=reviewer)
    assert (comparison.n, comparison.both, comparison.only_first) == (2, 1, 1)
    update_summaries(now=timezone.now() + SUMMARY_DELAY)
    assert compare_versions(shades, second, reader=reviewer) == comparison
    review_prediction(prediction=predictions[0], reviewer=reviewer, true_label="grey")
    assert compare_versions(shades, second, reader=reviewer).neither == 1
