"""Metric cards: changes in words, arrows, and which changes are notable."""

import pytest

from monitoring.presentation import CONFIDENCE, COUNT, DURATION, FAILURE_SHARE, SIZE, build_card, describe_change
from monitoring.types import Comparison

pytestmark = pytest.mark.once

PERIOD = "in the previous 7 days"


@pytest.mark.parametrize(
    ("style", "current", "previous", "text"),
    [
        (COUNT, 112, 100, "12.0% more than in the previous 7 days (100)"),
        (COUNT, 1000, 1200, "16.7% fewer than in the previous 7 days (1,200)"),
        (COUNT, 600, 100, "6.0 times as many as in the previous 7 days (100)"),
        (COUNT, 10_000, 100, "many more than in the previous 7 days (100)"),
        (COUNT, 0, 100, "100.0% fewer than in the previous 7 days (100)"),
        (COUNT, 100, 100, "unchanged"),
        (COUNT, 10_001, 10_000, "< 0.1% more than in the previous 7 days (10,000)"),
        (COUNT, 5, 0, "none in the previous 7 days"),
        (COUNT, 0, 0, "none in the previous 7 days either"),
        (FAILURE_SHARE, 0.05, 0.02, "3.0 percentage points higher than in the previous 7 days (2.0%)"),
        (FAILURE_SHARE, 0.0, 0.02, "2.0 percentage points lower than in the previous 7 days (2.0%)"),
        (FAILURE_SHARE, 0.02, 0.0, "2.0 percentage points higher than in the previous 7 days (0.0%)"),
        (FAILURE_SHARE, 0.9231, 0.92309, "unchanged"),
        (FAILURE_SHARE, 0.0206, 0.0204, "< 0.1 percentage points higher than in the previous 7 days (2.0%)"),
        (FAILURE_SHARE, None, 0.5, "50.0% in the previous 7 days"),
        (FAILURE_SHARE, None, None, "no data in the previous 7 days either"),
        (DURATION, 9.0, 6.0, "50.0% slower than in the previous 7 days (6.0 ms)"),
        (DURATION, 3.0, 6.0, "50.0% faster than in the previous 7 days (6.0 ms)"),
        (DURATION, 30.0, 6.0, "400.0% slower than in the previous 7 days (6.0 ms)"),
        (DURATION, 3.0, None, "no data in the previous 7 days"),
        (SIZE, 3_000_000, 1_500_000, "100.0% more than in the previous 7 days (1.4 MB)"),
        (SIZE, 6_000_000, 1_500_000, "4.0 times as much as in the previous 7 days (1.4 MB)"),
    ],
)
def test_a_change_is_described_in_words(style, current, previous, text):
    assert describe_change(Comparison(current, previous), style, PERIOD) == text


def test_an_arrow_shows_the_direction_of_a_described_change():
    pairs = ((2, 1), (1, 2), (1, 1), (1, 0), (None, None))
    assert [build_card("", Comparison(*pair), COUNT, PERIOD).arrow for pair in pairs] == ["↑", "↓", "", "", ""]


@pytest.mark.parametrize(
    ("style", "current", "previous", "notable"),
    [
        (COUNT, 150, 100, True),
        (COUNT, 149, 100, False),
        (COUNT, 100, 150, True),
        (COUNT, 40, 0, True),
        (COUNT, 0, 0, False),
        (DURATION, 9.1, 6.0, True),
        (DURATION, 8.9, 6.0, False),
        (FAILURE_SHARE, 0.031, 0.02, True),
        (FAILURE_SHARE, 0.029, 0.02, False),
        (FAILURE_SHARE, 0.0, 0.02, True),
        (FAILURE_SHARE, 0.1, None, True),
        (CONFIDENCE, 0.93, 0.952, True),
        (CONFIDENCE, 0.94, 0.952, False),
        (CONFIDENCE, None, 0.952, False),
        (CONFIDENCE, 0.94, None, False),
    ],
)
def test_large_changes_are_notable(style, current, previous, notable):
    assert build_card("", Comparison(current, previous), style, PERIOD).notable is notable
    assert not build_card("", Comparison(current, previous), style, PERIOD, can_be_notable=False).notable
