"""Drift, against scipy on the same numbers, and in words."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitoring.drift.report import build_drift_report
from monitoring.drift.samples import MOST, draw
from monitoring.drift.statistics import (
    chi_squared,
    chi_squared_tail,
    compare_categories,
    compare_numbers,
    jensen_shannon,
    kolmogorov_smirnov,
    wasserstein,
)
from predictions.models import Input, Prediction

NOW = timezone.now()
DAYS = timedelta(days=1)


# --- formulas


@pytest.mark.parametrize("shift", [0, 0.05, 0.2, 0.6])
@pytest.mark.parametrize(("n", "m"), [(30, 40), (31, 31), (200, 999), (1000, 300), (1000, 5000)])
@pytest.mark.parametrize("decimals", [1, 9])
def test_kolmogorov_smirnov_is_scipys_exact_one(n, m, shift, decimals):
    rng = np.random.default_rng(n + m)
    one, other = rng.normal(0, 1, n).round(decimals), rng.normal(shift, 1, m).round(decimals)
    expected = stats.ks_2samp(one, other, method="exact").pvalue
    assert kolmogorov_smirnov(one, other) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_kolmogorov_smirnov_at_its_ends():
    same = np.arange(50.0)
    assert kolmogorov_smirnov(same, same) == 1
    assert kolmogorov_smirnov(same, same + 100) == pytest.approx(0, abs=1e-12)
    assert kolmogorov_smirnov(np.ones(40), np.ones(60)) == 1
    assert kolmogorov_smirnov(np.ones(40), np.zeros(60)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("categories", [2, 3, 4, 11, 100])
def test_chi_squared_and_jensen_shannon_are_scipys(categories):
    rng = np.random.default_rng(categories)
    one = Counter(rng.integers(0, categories, 600).astype(str).tolist())
    other = Counter((rng.integers(0, categories, 900) * (rng.random(900) < 0.97)).astype(int).astype(str).tolist())
    names = sorted({*one, *other})
    table = [[counts[name] for name in names] for counts in (one, other)]
    assert chi_squared(one, other) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert jensen_shannon(one, other) == pytest.approx(jensenshannon(*table, base=2), rel=1e-9)


def test_of_two_categories_it_is_the_z_test_of_two_proportions():
    one, other = Counter(yes=40, no=160), Counter(yes=75, no=225)
    shares, pooled = (40 / 200, 75 / 300), 115 / 500
    z = (shares[1] - shares[0]) / (pooled * (1 - pooled) * (1 / 200 + 1 / 300)) ** 0.5
    assert chi_squared(one, other) == pytest.approx(2 * stats.norm.sf(z))


@pytest.mark.parametrize(("statistic", "freedom"), [(0, 3), (3, 1), (3, 2), (5, 7), (50, 40), (900, 850), (3000, 4)])
def test_the_tail_of_chi_squared_is_scipys(statistic, freedom):
    assert chi_squared_tail(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (100, 100), (1500, 5000)])
def test_wasserstein_is_scipys(n, m):
    rng = np.random.default_rng(n)
    one, other = rng.normal(3, 1, n).round(2), rng.normal(3.3, 2, m).round(2)
    assert wasserstein(one, other) == pytest.approx(stats.wasserstein_distance(one, other))


def test_disjoint_categories_are_as_far_apart_as_can_be():
    assert jensen_shannon(Counter(a=3), Counter(b=7)) == pytest.approx(1)
    assert jensen_shannon(Counter(a=3), Counter(a=7)) == 0
    assert chi_squared(Counter(a=30), Counter(a=70)) == 1


@pytest.mark.parametrize(
    ("rows", "number", "category", "two"),
    [
        (1000, "Kolmogorov-Smirnov, p", "chi-squared, p", "z of two proportions, p"),
        (1001, "Wasserstein, in standard deviations", "Jensen-Shannon", "Jensen-Shannon"),
    ],
)
def test_the_size_of_the_reference_chooses_the_test(rows, number, category, two):
    rng = np.random.default_rng(1)
    reference, current = rng.normal(0, 1, rows), rng.normal(0, 1, 5000)
    assert compare_numbers(reference, current).test == number
    assert not compare_numbers(reference, current).drifted
    assert compare_numbers(reference, current + 1).drifted
    counts = Counter(a=rows - 500, b=300, c=200)
    assert compare_categories(counts, counts).test == category
    assert compare_categories(Counter(a=rows - 500, b=500), Counter(a=1, b=1)).test == two
    assert compare_categories(counts, Counter(a=10, b=900, c=90)).drifted


def test_the_distance_of_numbers_is_in_standard_deviations_of_the_reference():
    reference = np.random.default_rng(1).normal(0, 20, 2000)
    verdict = compare_numbers(reference, reference + 5)
    assert verdict.score == pytest.approx(5 / reference.std())
    assert compare_numbers(np.full(2000, 3.0), np.full(2000, 4.0)).score == pytest.approx(1000)


# --- rows


def answered(version, columns, ages):
    """Store answers of so many days ago; `columns` has the features and the answer of each."""
    inputs = [
        Input(kind="tabular", features=one.get("features", {}), sha256=f"{n:064x}", size=1) for n, one in enumerate(columns)
    ]
    Input.objects.bulk_create(inputs)
    rows = [
        Prediction(
            input=asked,
            model_version=version,
            source="api",
            created_at=NOW - age * DAYS,
            completed_at=NOW,
            **{"status": "succeeded", "output": {}} | {name: value for name, value in one.items() if name != "features"},
        )
        for asked, one, age in zip(inputs, columns, ages, strict=True)
    ]
    return Prediction.objects.bulk_create(rows)


def flower(rng, *, length=4.0, red=0.2, wild=0.3, value=9.0):
    features = {
        "length": float(rng.normal(length, 1)),
        "petals": int(rng.integers(3, 6)),
        "colour": "red" if rng.random() < red else "white",
        "wild": bool(rng.random() < wild),
    }
    return {"features": features, "value": float(rng.normal(value, 1))}


def both(version, before, now, n=200):
    """Store `n` answers of this week and of the week before, made by two functions."""
    rng = np.random.default_rng(3)
    answered(version, [before(rng) for _ in range(n)], 7.01 + 6.9 * rng.random(n))
    answered(version, [now(rng) for _ in range(n)], 0.01 + 6.9 * rng.random(n))


def finding(drift, name):
    return next(one for one in drift.findings if one.name == name)


@pytest.mark.django_db
def test_what_changed_is_told_in_sentences(flowers):
    both(flowers, flower, lambda rng: flower(rng, length=3, red=0.6, value=11))
    drift = build_drift_report(flowers, now=NOW)
    assert [one.name for one in drift.drifted] == ["value", "length", "colour"]
    assert [one.name for one in drift.steady] == ["petals", "wild"]
    assert drift.untold == []
    length = finding(drift, "length")
    assert length.sentence.startswith("length is lower than in the 7 days before (")
    assert length.sentence.endswith(" cm).")
    assert finding(drift, "value").sentence.startswith("The answers are higher than in the 7 days before (1")
    assert finding(drift, "colour").sentence.startswith("colour is more often red than in the 7 days before (")
    assert finding(drift, "petals").verdict.test == "chi-squared, p"
    assert finding(drift, "wild").verdict.test == "z of two proportions, p"


@pytest.mark.django_db
def test_the_verdicts_are_scipys_on_the_rows_of_the_ledger(flowers):
    both(flowers, flower, lambda rng: flower(rng, length=4.2, red=0.25))
    drift = build_drift_report(flowers, now=NOW)
    rows = Prediction.objects.values_list("created_at", "value", "input__features")
    sides = [[row for row in rows if (row[0] >= NOW - 7 * DAYS) == recent] for recent in (False, True)]
    values = [[row[1] for row in side] for side in sides]
    lengths = [[row[2]["length"] for row in side] for side in sides]
    assert [len(side) for side in sides] == [200, 200]
    for name, columns in (("value", values), ("length", lengths)):
        assert finding(drift, name).verdict.score == pytest.approx(stats.ks_2samp(*columns).pvalue, abs=1e-9)
    petals = [[row[2]["petals"] for row in side] for side in sides]
    table = [[side.count(n) for n in (3, 4, 5)] for side in petals]
    assert finding(drift, "petals").verdict.score == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


@pytest.mark.django_db
def test_labels_and_confidence_are_told(shades):
    def shade(rng, white=0.3, sure=0.9):
        label = "white" if rng.random() < white else str(rng.choice(["black", "grey"]))
        return {"label": label, "confidence": float(rng.uniform(sure - 0.1, sure + 0.1))}

    both(shades, shade, lambda rng: shade(rng, white=0.6, sure=0.8))
    drift = build_drift_report(shades, now=NOW)
    assert [one.name for one in drift.findings] == ["confidence", "label"]
    assert drift.findings[0].sentence.startswith("The model is less sure of its answers than in the 7 days before (8")
    assert drift.findings[1].sentence.startswith("white is answered more often than in the 7 days before (")
    again = build_drift_report(shades, now=NOW, span="1d", against="earlier")
    assert again.words == "the same 24 hours 4 weeks earlier"
    assert again.findings[0].sentence == "confidence: too few values to tell."


@pytest.mark.django_db
def test_a_wider_spread_around_the_same_mean_is_told_as_such(flowers):
    def wide(rng):
        return flower(rng) | {"value": float(rng.choice([4.0, 14.0]) + rng.normal(0, 0.1))}

    def narrow(rng):
        return flower(rng) | {"value": 9 + float(rng.normal(0, 0.5))}

    both(flowers, narrow, wide, n=400)
    assert "varies more than in" in finding(build_drift_report(flowers, now=NOW), "value").sentence


@pytest.mark.django_db
def test_what_is_missing_is_a_finding_of_its_own(flowers):
    def bare(rng):
        found = flower(rng)
        if rng.random() < 0.5:
            del found["features"]["length"]
        else:
            found["features"]["petals"] = None
        return found

    both(flowers, flower, bare)
    drift = build_drift_report(flowers, now=NOW)
    missing = finding(drift, "length (missing)")
    assert missing.drifted
    assert missing.sentence.startswith("length is missing more often than in the 7 days before (")
    assert finding(drift, "petals (missing)").drifted


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "now"), [(0, 0), (0, 100), (100, 0), (29, 100), (100, 29)])
def test_of_too_few_nothing_is_claimed(flowers, before, now):
    rng = np.random.default_rng(1)
    answered(flowers, [flower(rng) for _ in range(before)], [8] * before)
    answered(flowers, [flower(rng, length=9, value=99) for _ in range(now)], [1] * now)
    drift = build_drift_report(flowers, now=NOW)
    assert len(drift.untold) == len(drift.findings) == 5
    assert drift.drifted == drift.steady == []
    assert drift.untold[0].sentence == "value: too few values to tell."


@pytest.mark.django_db
def test_columns_that_never_vary_are_no_drift(flowers):
    def constant(rng):
        return {"features": {"length": 4.0, "petals": 5, "colour": "red", "wild": True}, "value": 3.0}

    both(flowers, constant, constant)
    drift = build_drift_report(flowers, now=NOW)
    assert len(drift.steady) == len(drift.findings) == 5


@pytest.mark.django_db
def test_other_versions_and_failures_are_left_out(flowers, write_rows):
    from registry.services import register_model

    both(flowers, flower, flower, n=40)
    other = register_model(path=write_rows())
    rng = np.random.default_rng(1)
    answered(other, [flower(rng, value=99) for _ in range(40)], [1] * 40)
    failed = {"status": "failed", "output": None, "error_code": "model-failed", "value": None}
    answered(flowers, [flower(rng, length=99) | failed for _ in range(40)], [1] * 40)
    drift = build_drift_report(flowers, now=NOW)
    assert (drift.current.total, drift.reference.total) == (40, 40)
    assert drift.drifted == []


@pytest.mark.django_db
def test_a_sample_is_drawn_at_random_and_stays_the_same(shades):
    n = MOST + 500
    answered(shades, [{"label": "black" if i < n / 2 else "white", "confidence": 0.9} for i in range(n)], [1] * n)
    sample = draw(shades, NOW - 2 * DAYS, NOW)
    assert (sample.drawn, sample.total) == (MOST, n)
    share = sum(row["label"] == "black" for row in sample.rows) / MOST
    assert abs(share - 0.5) < 0.03
    assert sample == draw(shades, NOW - 2 * DAYS, NOW)


@pytest.mark.django_db
def test_it_takes_four_queries_whatever_there_is(flowers, django_assert_num_queries):
    with django_assert_num_queries(4):
        build_drift_report(flowers, now=NOW)
    both(flowers, flower, flower, n=40)
    with django_assert_num_queries(4):
        build_drift_report(flowers, now=NOW)
