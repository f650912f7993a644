"""Two versions side by side, on the inputs that both answered."""

import numpy as np
import pytest

from evaluation.comparison import compare
from inference.tests.factories import make_image
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_two_versions_are_compared_on_the_inputs_both_answered(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for shade in (0, 30, 127, 255):
        asked = [make_prediction(user, make_image(shade), model=str(version)) for version in (shades, second)]
        review_prediction(
            prediction=asked[shade % 2], reviewer=reviewer, true_label="grey" if shade == 30 else asked[0].label
        )
    make_prediction(user, make_image(200), model=str(second))
    only_first = make_prediction(user, make_image(210), model=str(shades))
    review_prediction(prediction=only_first, reviewer=reviewer, verdict="correct")
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.both, found.only_one, found.only_other, found.neither) == (4, 1, 2, 0, 1)
    assert (found.accuracy.value, found.other_accuracy.value, found.alike) == (0.75, 0.25, 0.25)
    assert found.p == 0.5
    swapped = compare(second, shades, reader=reviewer)
    assert (swapped.only_one, swapped.only_other, swapped.accuracy.value) == (0, 2, 0.25)


def test_an_input_asked_twice_is_compared_once_with_its_newest_answers_and_truth(shades, user, reviewer, other, write_dummy):
    second = register_model(path=write_dummy(fixed=[0, 0, 1]))
    for _ in range(2):
        first = make_prediction(user, make_image(255), model=str(shades))
    review_prediction(prediction=first, reviewer=reviewer, true_label="grey")
    theirs = make_prediction(other, make_image(255), model=str(second))
    review_prediction(prediction=theirs, reviewer=reviewer, verdict="correct")
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.both) == (1, 1)
    assert compare(shades, second, reader=user).n == 0
    review_prediction(prediction=theirs, reviewer=reviewer, verdict="unsure")
    assert compare(shades, second, reader=reviewer).neither == 1


def test_two_versions_of_values_are_compared_by_their_errors(flowers, user, reviewer, write_rows):
    second = register_model(path=write_rows(factor=2))
    asked = [
        predict(user=user, source="api", features={"length": length, "petals": 5}, model=str(version))
        for length in (1, 2, 3)
        for version in (flowers, second)
    ]
    for row in asked[::2]:
        review_prediction(prediction=row, reviewer=reviewer, true_value=row.value + 1)
    found = compare(flowers, second, reader=reviewer)
    truth, said = np.array([7.0, 8, 9]), np.array([12.0, 14, 16])
    assert (found.n, found.mae, found.other_mae) == (3, 1, np.abs(truth - said).mean())
    assert found.apart == np.abs(said - (truth - 1)).mean()
    assert found.accuracy.value is None


def test_versions_without_an_input_in_common_say_nothing(shades, user, reviewer, write_dummy):
    second = register_model(path=write_dummy())
    found = compare(shades, second, reader=reviewer)
    assert (found.n, found.accuracy.value, found.alike, found.p) == (0, None, None, None)
    assert ModelVersion.objects.count() == 2
