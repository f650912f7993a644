"""The charts of the evaluation page: ticks, thresholds, periods."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from core.tests.pages import get_text
from evaluation.charts.drawing import build_number_axis, compute_ticks
from evaluation.charts.labels import build_label_charts, build_threshold_chart, compute_thresholds
from evaluation.charts.trend import group_by_period
from evaluation.charts.values import build_scatter_chart, build_value_charts
from evaluation.sql.sample import SampleRow, read_sample
from evaluation.tests.factories import make_value_reviews
from evaluation.types import Residuals
from predictions.services import predict
from predictions.summary_sql import build_summaries

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_row(day=0, verdict="correct", confidence=0.5, value=None, true_value=None):
    return SampleRow(UUID(int=day), START + timedelta(days=day), verdict, confidence, value, true_value, 0)


@pytest.mark.once
@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-3, 97, [-20, 0, 20, 40, 60, 80, 100]),
        (7, 7, None),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 3e-9, None),
        (-1e12, 4e12, None),
    ],
)
def test_ticks_are_round_and_include_the_limits(low, high, ticks):
    found = compute_ticks(low, high)
    assert found[0] <= low <= high <= found[-1] + 1e-15
    assert 2 <= len(found) <= 8
    if ticks:
        assert found == pytest.approx(ticks)


@pytest.mark.once
def test_the_ticks_of_a_number_axis_have_different_texts():
    for low, high in ((1000.001, 1000.003), (0, 5e-324), (2e15, 2e15 + 8), (-5, 5)):
        texts = [text for _, text in build_number_axis(low, high)[1]]
        assert len(set(texts)) == len(texts), texts
    assert [text for _, text in build_number_axis(0, 4e9)[1]][-1] == "4,000,000,000"
    pairs = [make_row(day, value=2.4e6 * day, true_value=1e6) for day in range(2)]
    chart = build_scatter_chart(pairs, "EUR", "")
    assert [tick.text for tick in chart.placed_x_ticks] == ["0", "2,000,000"]  # each second one
    assert chart.x_title == "Actual, EUR"


@pytest.mark.once
def test_the_threshold_chart_counts_predictions_with_at_least_the_confidence():
    rows = [
        make_row(confidence=c, verdict=v)
        for c, v in ((0.3, "incorrect"), (0.5, "correct"), (0.9, "correct"), (0.7, "incorrect"))
    ]
    results = compute_thresholds(rows, [0, 0.5, 0.9, 0.95])
    assert [(row.n, row.coverage, row.accuracy) for row in results] == [
        (4, 1, 0.5),
        (3, 0.75, 2 / 3),
        (1, 0.25, 1),
        (0, 0, None),
    ]
    chart = build_threshold_chart(rows, "")
    assert chart.note == "25.0% of the predictions have a confidence of at least 90%. Of these, 100.0% are correct."
    assert [line.kind for line in chart.legend] == ["second", "main"]
    assert ["90%", "1", "25.0%", "100.0%"] in chart.rows


@pytest.mark.once
@pytest.mark.parametrize(("days", "length", "count"), [(1, 1, 1), (31, 1, 31), (32, 7, 5), (300, 28, 11), (4000, 364, 11)])
def test_periods_are_longer_for_longer_spans(days, length, count):
    periods = group_by_period([make_row(day) for day in range(days)])
    assert (periods[0].days, len(periods)) == (length, count)
    assert sum(len(period.rows) for period in periods) == days


@pytest.mark.once
def test_charts_without_data_are_left_out():
    assert build_label_charts([], None, note="") == []
    assert build_label_charts([make_row()], None, note="") == []  # one period is no trend
    assert build_value_charts([make_row(value=1.0)], Residuals(None, []), unit="", note="") == []
    equal = [make_row(day, value=2.0, true_value=2.0) for day in range(2)]  # no span of values, no error
    assert [chart.title for chart in build_value_charts(equal, Residuals(0, []), unit="", note="")] == [
        "Predicted against actual", "Residuals", "Error over time",
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_page_shows_charts_and_errors_of_images(reviewed, reviewer, client):
    client.force_login(reviewer)
    rows = read_sample(build_summaries(reader=reviewer, model_version=reviewed[0].model_version), picked_by="")
    assert [row.verdict for row in rows] == ["incorrect", "correct", "correct"]
    assert [row.is_random for row in rows] == [False, False, True]
    response = client.get("/models/shades/evaluation/", headers={"Accept-Language": "de"})
    html = response.content.decode()
    assert 'width="0.5' in html or 'width="1.000"' in html  # bars: a decimal point in every language
    assert html.count(f'href="{reviewed[2].get_absolute_url()}"') == 1
    assert reviewed[0].get_absolute_url() not in html
    text = get_text(client.get("/models/shades/evaluation/"))
    for part in ("Accuracy by confidence threshold", "Newest errors", "true: grey", "Of 1 reviewed prediction."):
        assert part in text


@pytest.mark.django_db
def test_the_page_of_a_regression_lists_the_largest_errors(flowers, user, client):
    predictions = [predict(user=user, source="api", features={"length": n, "petals": 5}, model="flowers") for n in (1, 2, 3)]
    make_value_reviews(predictions, user, [p.value + n for p, n in zip(predictions, (1, -5, 0), strict=True)])
    client.force_login(user)
    response = client.get("/models/flowers/evaluation/")
    assert [error.error for error in response.context["errors"]] == [5, -1]
    text = get_text(response)
    for part in ("Predicted against actual", "Residuals", "Predicted − actual, cm²", "Largest errors", "2 cm²"):
        assert part in text
