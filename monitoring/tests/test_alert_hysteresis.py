"""An alert opens and resolves after several evaluations, with two thresholds."""

from datetime import timedelta

import pytest

from monitoring.alerts.hysteresis import Counts, append_value, count_evaluation, decide_change
from monitoring.models import AlertRule
from monitoring.windows import DAY

pytestmark = pytest.mark.once


def simulate(values, *, metric="failure_rate", threshold=0.1, resolve_threshold=0.05, opens_after=2, resolves_after=3):
    """Return for each value whether an alert is open: `#` or `.`."""
    rule = AlertRule(
        metric=metric,
        threshold=threshold,
        resolve_threshold=resolve_threshold,
        opens_after=opens_after,
        resolves_after=resolves_after,
    )
    counts, is_open, text = Counts(), False, ""
    for value in values:
        counts = count_evaluation(rule, counts, value)
        if change := decide_change(rule, counts, is_open=is_open, age=timedelta()):
            is_open = change == "open"
        text += "#" if is_open else "."
    return text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.2, 0.09, 0.2, 0.2], "...#"),  # consecutive evaluations
        ([0.1, 0.1], ".#"),  # the threshold itself
        ([0.2, 0.2, 0.07, 0.07, 0.07, 0.07], ".#####"),  # between both thresholds
        ([0.2, 0.2, 0.05, 0.05, 0.06, 0.05, 0.05, 0.05], ".######."),
        ([0.2, 0.2, 0.05, 0.2, 0.05, 0.05, 0.05, 0.2, 0.2], ".#####..#"),
        ([0.2, None, None, 0.2], "...#"),  # missing data
        ([None] * 5, "....."),
        ([0.2, 0.2, *[None] * 5], ".######"),
    ],
)
def test_an_alert_of_high_values(values, expected):
    assert simulate(values) == expected


def test_an_alert_of_low_values():
    limits = {"metric": "disk", "threshold": 0.1, "resolve_threshold": 0.2, "resolves_after": 1}
    assert simulate([0.5, 0.1, 0.05, 0.15, 0.2, 0.05], **limits) == "..##.."


def test_equal_thresholds_do_not_flap():
    assert simulate([0.1] * 6, resolve_threshold=0.1, resolves_after=1) == ".#####"


def test_alerts_without_data_end():
    rule = AlertRule(metric="latency", threshold=1, resolve_threshold=1, opens_after=1, resolves_after=1)
    ages = (DAY - timedelta(seconds=1), DAY)
    assert [decide_change(rule, Counts(), is_open=True, age=age) for age in ages] == ["", "no-data"]
    assert decide_change(rule, Counts(), is_open=False, age=DAY) == ""


def test_the_history_is_short():
    history = []
    for value in range(40):
        history = append_value(history, value)
    assert history == list(range(16, 40))
