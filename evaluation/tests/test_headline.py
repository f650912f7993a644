"""The headline metric of the evaluation page."""

import numpy as np
import pytest
from scipy.stats import t

from evaluation.headline import build_headline
from evaluation.types import Evaluation, Regression, Residuals

pytestmark = pytest.mark.once


def build_error_headline(errors, *, picked_by="", is_biased=False):
    errors = np.array(errors, float)
    regression = Regression(np.abs(errors).mean(), np.sqrt((errors**2).mean()), None, len(errors), Residuals(0, []))
    evaluation = Evaluation(1, 100, len(errors), 0.1, regression=regression)
    return build_headline(evaluation, picked_by=picked_by, is_biased=is_biased, unit="cm")


def test_the_interval_of_a_small_sample_is_that_of_student():
    errors = [3, -4, 5.5]
    low, high = t.interval(0.95, 2, loc=np.abs(errors).mean(), scale=np.std(np.abs(errors), ddof=1) / 3**0.5)
    headline = build_error_headline(errors)
    assert headline.value == "4.167 cm"
    assert headline.text.endswith(f"95% confidence interval: {low:.4g} to {high:.4g} cm.")
    assert headline.is_small


def test_a_single_error_has_no_interval():
    headline = build_error_headline([3])
    assert headline.text == "Of one prediction with a known true value. A confidence interval needs at least two."
    assert not headline.is_small  # which would explain the interval


@pytest.mark.parametrize(
    ("picked_by", "is_biased", "note"),
    [
        ("", False, "All reviewed predictions: not a random sample, so it may be biased"),
        ("random", False, "Random sample: unbiased estimate"),
        ("random", True, "Random sample of the remaining predictions: this sample may be biased"),
        ("margin", True, "Not a random sample: this sample may be biased"),
    ],
)
def test_the_sample_of_an_error_is_described(picked_by, is_biased, note):
    assert build_error_headline([3, 4], picked_by=picked_by, is_biased=is_biased).note == note
