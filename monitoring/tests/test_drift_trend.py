"""Trends of drift, computed from samples without a database."""

from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from monitoring.drift.samples import Column, Sample
from monitoring.drift.trend import MAX_REFERENCE_VALUES, build_trend
from monitoring.windows import DAY, Window

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC), DAY, 2)
COLUMN = Column("length", "feature", "number")


def make_sample(window, values):
    """Return a sample of predictions at even intervals in a window. None is a missing value."""
    times = [window.start + number * (window.end - window.start) / len(values) for number in range(len(values))]
    rows = [{} if value is None else {"length": value} for value in values]
    return Sample(window.start, window.end, len(values), times, {"feature": rows})


def test_each_part_is_compared_without_its_missing_values():
    rng = np.random.default_rng(1)
    reference = rng.normal(size=400).tolist()
    days = [[*rng.normal(mean, size=180).tolist(), *[None] * 20] for mean in (0, 3)]
    sample = make_sample(WINDOW, [*days[0], *days[1]])
    (trend,) = build_trend([COLUMN], make_sample(WINDOW.previous, reference), sample, WINDOW)
    present = [[value for value in day if value is not None] for day in days]
    assert trend.distances == pytest.approx([wasserstein_distance(reference, day) / np.std(reference) for day in present])
    assert trend.distances[1] > 10 * trend.distances[0]
    assert sample.get_numbers(COLUMN).tolist() == [*present[0], *present[1]]


def test_a_part_with_few_values_has_no_distance():
    reference = make_sample(WINDOW.previous, np.linspace(0, 1, 200).tolist())
    current = make_sample(WINDOW, [*np.linspace(0, 1, 29).tolist(), *[None] * 71, *np.linspace(0, 1, 100).tolist()])
    (trend,) = build_trend([COLUMN], reference, current, WINDOW)
    assert trend.distances[0] is None
    assert trend.distances[1] < 0.1


def test_a_part_of_a_large_reference_represents_it():
    rng = np.random.default_rng(1)
    reference = rng.normal(size=2 * MAX_REFERENCE_VALUES + 1)
    current = rng.normal(1, size=400)
    samples = make_sample(WINDOW.previous, reference.tolist()), make_sample(WINDOW, current.tolist())
    (trend,) = build_trend([COLUMN], *samples, WINDOW)
    expected = [wasserstein_distance(reference, day) / reference.std() for day in (current[:200], current[200:])]
    assert trend.distances == pytest.approx(expected, abs=0.05)
