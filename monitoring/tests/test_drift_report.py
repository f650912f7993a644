"""The drift report of a version: its sentences, and the predictions it compares."""

import numpy as np
import pytest
from django.utils import timezone
from scipy import stats

from monitoring.drift.report import build_drift_report
from monitoring.drift.samples import MAX_SAMPLE_ROWS, draw_sample
from monitoring.drift.statistics import MIN_DRIFT_DISTANCE
from monitoring.tests.factories import make_drift_predictions
from monitoring.windows import DAY, HOUR, Window
from predictions.models import Prediction

pytestmark = pytest.mark.django_db


def draw_flower(rng, *, length=4.0, red=0.2, wild=0.3, value=9.0):
    features = {
        "length": float(rng.normal(length, 1)),
        "petals": int(rng.integers(3, 6)),
        "colour": "red" if rng.random() < red else "white",
        "wild": bool(rng.random() < wild),
    }
    return {"features": features, "value": float(rng.normal(value, 1))}


def make_two_weeks(version, draw_reference, draw_current, count=200):
    """Store predictions of the previous 7 days and of the last 7 days, drawn by two functions."""
    rng = np.random.default_rng(3)
    make_drift_predictions(version, [draw_reference(rng) for _ in range(count)], 7.01 + 6.9 * rng.random(count))
    make_drift_predictions(version, [draw_current(rng) for _ in range(count)], 0.01 + 6.9 * rng.random(count))


def make_window(count=7, step=DAY):
    now = timezone.now()
    return Window(now - count * step, now, step, count)


def build_report(version, **options):
    return build_drift_report(version, make_window(), **options)


def get_column(report, name):
    return next(column for column in report.columns if column.name == name)


def test_each_change_is_described_in_a_sentence(flowers):
    make_two_weeks(flowers, draw_flower, lambda rng: draw_flower(rng, length=3, red=0.6, value=11))
    report = build_report(flowers)
    assert [column.name for column in report.drifted] == ["predicted value", "length", "colour"]
    assert [column.name for column in report.unchanged] == ["petals", "wild"]
    assert report.insufficient == []
    value, length, colour = (column.sentence for column in report.drifted)
    assert value.startswith("predicted value: higher than in the previous 7 days (1")
    assert value.endswith(" cm²).")
    assert length.startswith("length: lower than in the previous 7 days (")
    assert ", previously " in length
    assert length.endswith(" cm).")
    assert colour.startswith("colour: red is more frequent than in the previous 7 days (")
    assert get_column(report, "petals").sentence == "petals: about the same distribution as in the previous 7 days."
    assert get_column(report, "petals").result.test == "chi-squared test (p-value)"
    assert get_column(report, "wild").result.test == "two-proportion z-test (p-value)"


def test_scores_are_computed_from_all_predictions_of_both_windows(flowers):
    make_two_weeks(flowers, draw_flower, lambda rng: draw_flower(rng, length=4.2, red=0.25))
    report = build_report(flowers)
    rows = Prediction.objects.values_list("created_at", "value", "input__features")
    start = timezone.now() - 7 * DAY
    windows = [[row for row in rows if (row[0] >= start) == is_current] for is_current in (False, True)]
    assert [len(window) for window in windows] == [200, 200]
    values = [[row[1] for row in window] for window in windows]
    lengths = [[row[2]["length"] for row in window] for window in windows]
    for name, samples in (("predicted value", values), ("length", lengths)):
        assert get_column(report, name).result.score == pytest.approx(stats.ks_2samp(*samples).pvalue)
    petals = [[row[2]["petals"] for row in window] for window in windows]
    table = [[column.count(number) for number in (3, 4, 5)] for column in petals]
    p_value = stats.chi2_contingency(table, correction=False).pvalue
    assert get_column(report, "petals").result.score == pytest.approx(p_value)


def test_labels_and_confidence_are_compared(shades):
    def draw_shade(rng, white=0.3, confidence=0.9):
        label = "white" if rng.random() < white else str(rng.choice(["black", "grey"]))
        return {"label": label, "confidence": float(rng.uniform(confidence - 0.1, confidence + 0.1))}

    make_two_weeks(shades, draw_shade, lambda rng: draw_shade(rng, white=0.6, confidence=0.8))
    report = build_report(shades)
    assert [column.name for column in report.columns] == ["confidence", "predicted label"]
    assert report.columns[0].sentence.startswith("confidence: lower than in the previous 7 days (8")
    assert report.columns[1].sentence.startswith("predicted label: white is more frequent than in the previous 7 days (")


@pytest.mark.parametrize(
    ("count", "step", "against", "shift_days", "period"),
    [
        (24, HOUR, "before", 1, "in the previous 24 hours"),
        (1, DAY, "before", 1, "in the previous day"),
        (30, DAY, "before", 30, "in the previous 30 days"),
        (24, HOUR, "earlier", 28, "in the same period 4 weeks earlier"),
        (7, DAY, "earlier", 28, "in the same period 4 weeks earlier"),
        (30, DAY, "earlier", 56, "in the same period 8 weeks earlier"),
    ],
)
def test_both_windows_have_the_length_of_the_page(shades, count, step, against, shift_days, period):
    window = make_window(count, step)
    report = build_drift_report(shades, window, against=against)
    current, reference = report.current, report.reference
    assert (current.start, current.end) == (window.start, window.end)
    assert current.end - current.start == reference.end - reference.start
    assert current.start - reference.start == shift_days * DAY
    assert report.period == period


def test_the_trend_shows_when_a_field_has_changed(shades):
    rng = np.random.default_rng(4)
    ages = 0.01 + 13.9 * rng.random(2800)
    columns = [{"label": "white" if age < 3 else str(rng.choice(["black", "grey"])), "confidence": 0.9} for age in ages]
    make_drift_predictions(shades, columns, ages)
    window = make_window()
    trends = {trend.column.name: trend for trend in build_drift_report(shades, window).trends}
    distances = trends["label"].distances
    assert [distance > 0.9 for distance in distances] == [False, False, False, False, True, True, True]
    assert max(distances[:4]) < MIN_DRIFT_DISTANCE
    assert [time - window.start for time in trends["label"].times] == [(number + 0.5) * DAY for number in range(7)]
    assert next(iter(trends)) == "label"  # the drifted fields come first


def test_few_predictions_have_no_trend(shades):
    make_drift_predictions(shades, [{"label": "white", "confidence": 0.9}] * 199, [1] * 199)
    assert build_report(shades).trends == []


def test_a_wider_spread_with_the_same_mean_is_described(flowers):
    def draw_narrow(rng):
        return draw_flower(rng) | {"value": 9 + float(rng.normal(0, 0.5))}

    def draw_wide(rng):
        return draw_flower(rng) | {"value": float(rng.choice([4.0, 14.0]) + rng.normal(0, 0.1))}

    make_two_weeks(flowers, draw_narrow, draw_wide, count=400)
    sentence = get_column(build_report(flowers), "predicted value").sentence
    assert sentence.startswith("predicted value: varies more than in the previous 7 days (standard deviation ")


def test_missing_values_are_compared_separately(flowers):
    def draw_incomplete(rng):
        columns = draw_flower(rng)
        if rng.random() < 0.5:
            del columns["features"]["length"]
        else:
            columns["features"]["petals"] = None
        return columns

    make_two_weeks(flowers, draw_flower, draw_incomplete)
    report = build_report(flowers)
    missing = get_column(report, "length (missing)")
    assert missing.drifted
    assert missing.sentence.startswith("length: missing more often than in the previous 7 days (")
    assert get_column(report, "petals (missing)").drifted


def test_a_feature_that_is_always_missing_is_no_drift(flowers):
    def draw_without_length(rng):
        columns = draw_flower(rng)
        del columns["features"]["length"]
        return columns

    make_two_weeks(flowers, draw_without_length, draw_without_length, count=50)
    report = build_report(flowers)
    assert [column.name for column in report.insufficient] == ["length"]
    missing = get_column(report, "length (missing)")
    assert missing.result.score == 1
    assert missing.sentence == "length: missing about as often as in the previous 7 days (100.0%, previously 100.0%)."


@pytest.mark.parametrize(("reference", "current"), [(0, 0), (0, 100), (100, 0), (29, 100), (100, 29)])
def test_too_few_values_are_not_compared(flowers, reference, current):
    rng = np.random.default_rng(1)
    make_drift_predictions(flowers, [draw_flower(rng) for _ in range(reference)], [8] * reference)
    make_drift_predictions(flowers, [draw_flower(rng, length=9, value=99) for _ in range(current)], [1] * current)
    report = build_report(flowers)
    assert len(report.insufficient) == len(report.columns) == 5
    assert report.drifted == report.unchanged == []
    assert report.insufficient[0].sentence == "predicted value: not enough values to compare."


def test_constant_columns_are_no_drift(flowers):
    def draw_constant(rng):
        return {"features": {"length": 4.0, "petals": 5, "colour": "red", "wild": True}, "value": 3.0}

    make_two_weeks(flowers, draw_constant, draw_constant)
    report = build_report(flowers)
    assert len(report.unchanged) == len(report.columns) == 5


def test_other_versions_and_failures_are_not_compared(flowers, write_rows):
    from registry.services import register_model

    make_two_weeks(flowers, draw_flower, draw_flower, count=40)
    other = register_model(path=write_rows())
    rng = np.random.default_rng(1)
    make_drift_predictions(other, [draw_flower(rng, value=99) for _ in range(40)], [1] * 40)
    failed = {"status": "failed", "output": None, "error_code": "model-failed", "value": None}
    make_drift_predictions(flowers, [draw_flower(rng, length=99) | failed for _ in range(40)], [1] * 40)
    report = build_report(flowers)
    assert (report.current.total, report.reference.total) == (40, 40)
    assert report.drifted == []


def test_a_sample_is_random_and_repeatable(shades, monkeypatch):
    count = MAX_SAMPLE_ROWS + 500
    labels = ["black" if n < count / 2 else "white" for n in range(count)]
    columns = [{"label": label, "confidence": number / count} for number, label in enumerate(labels)]
    make_drift_predictions(shades, columns, [1] * count)
    now = timezone.now()
    sample = draw_sample(shades, now - 2 * DAY, now)
    assert (sample.size, sample.total) == (MAX_SAMPLE_ROWS, count)
    share = sample.sources["label"].count("black") / MAX_SAMPLE_ROWS
    assert abs(share - 0.5) < 0.03
    assert sample == draw_sample(shades, now - 2 * DAY, now)
    confidences = dict(Prediction.objects.values_list("pk", "confidence"))
    # From the index of one of 64 predictions, and from that of one of 8. Small samples need more spare rows.
    for size, spare_ratio in ((10, 5), (200, 2)):
        monkeypatch.setattr("monitoring.drift.samples.MAX_SAMPLE_ROWS", size)
        monkeypatch.setattr("monitoring.drift.samples.SPARE_ROWS_RATIO", spare_ratio)
        lowest = sorted(confidences, key=lambda pk: str(pk)[-8:])[:size]
        drawn = draw_sample(shades, now - 2 * DAY, now)
        assert set(drawn.sources["confidence"]) == {confidences[pk] for pk in lowest}


def test_the_report_needs_the_same_queries_whatever_there_is(flowers, django_assert_num_queries):
    with django_assert_num_queries(6):
        build_report(flowers)
    make_two_weeks(flowers, draw_flower, draw_flower, count=40)
    with django_assert_num_queries(6):
        build_report(flowers)
