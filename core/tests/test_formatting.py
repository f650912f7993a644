from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from core.formatting import (
    choose_decimals,
    format_bounds,
    format_bytes,
    format_coefficient,
    format_count,
    format_decimals,
    format_duration,
    format_exact,
    format_features,
    format_milliseconds,
    format_number,
    format_output_number,
    format_percent,
    format_rounded,
    format_short_percent,
    format_value,
    format_zone,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, None, ""),
        (0, 2_500_000, "0 to 2500000"),
        (0.1234567, None, "0.1234567 or more"),
        (None, 0.0, "0 or less"),
    ],
)
def test_bounds_are_exact(low, high, text):
    assert format_bounds(low, high) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.0%"), (0.0001, "< 0.1%"), (0.9642, "96.4%"), (0.99996, "> 99.9%"), (1.0, "100.0%")],
)
def test_percent_is_not_rounded_to_0_or_100(value, text):
    assert format_percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (9999.4, "9,999"),
        (9999.5, "10,000"),
        (-12345.6, "-12,346"),
        (0.00012346, "0.0001235"),
        (2e20, "2e+20"),
    ],
)
def test_numbers_are_not_rounded_before_the_decimal_point(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12.3456789, "12.3457"),
        (999_999.4, "999,999"),
        (999_999.5, "1,000,000"),
        (-1_524_157_824.0, "-1,524,157,824"),
        (2e20, "2e+20"),
    ],
)
def test_outputs_are_not_rounded_before_the_decimal_point(value, text):
    assert format_output_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (1, "1.00"), (0.996, "> 0.99"), (0.994, "0.99"), (-0.5, "-0.50"), (-3.25, "-3.25")]
)
def test_a_coefficient_is_not_rounded_to_1(value, text):
    assert format_coefficient(value, 2) == text


def test_milliseconds_have_one_decimal():
    assert [format_milliseconds(value) for value in (None, 12.34, 1234.56)] == ["–", "12.3 ms", "1,235 ms"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
        (200_000, "2 days"),
    ],
)
def test_durations_are_rounded(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(
            (None, "–"),
            ("a", "a"),
            (True, "true"),
            (123456, "123456"),
            (0.0, "0"),
            (5.0, "5"),
            (5.1, "5.1"),
            (2e20, "2e+20"),
        ),
        *(
            (0.038075906433423026, "0.03808"),
            (-151.2345, "-151.2"),
            (12345.678, "12346"),
            (9999.96, "10000"),
            (1e-9, "1e-09"),
        ),
    ],
)
def test_floats_are_rounded_to_four_significant_digits(value, text):
    assert format_rounded(value) == text


def test_rounded_thousands_can_be_separated():
    assert format_rounded(12345.678, separators=True) == "12,346"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([], []),
        ([5.0, 4.0], ["5", "4"]),
        ([5.0, 4.9], ["5.0", "4.9"]),
        ([1234.5, 0.25], ["1234.50", "0.25"]),
        ([0.1 + 0.2, 7.9], ["0.3", "7.9"]),
        ([152.13348388, 98.5], ["152.1", "98.5"]),
        ([0.0380759064, -0.0019], ["0.03808", "-0.00190"]),
        ([5.1, 1e-9], ["5.1", "1e-09"]),
        ([2e20, 5.5], ["2e+20", "5.5"]),
        ([float("inf"), 5.5], ["Infinity", "5.5"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values, texts):
    decimals = choose_decimals(values)
    assert [format_decimals(value, decimals) for value in values] == texts


def test_separators_are_those_of_the_language():
    with translation.override("de"):
        assert [format_rounded(5.1), format_rounded("a.b"), format_exact(0.25), format_exact("1.5")] == [
            "5,1",
            "a.b",
            "0,25",
            "1.5",
        ]
        assert format_decimals(1234.5, 2, separators=True) == "1.234,50"
        assert (format_percent(0.9642)[:4], format_milliseconds(1234.56), format_count(12345)) == (
            "96,4",
            "1.235 ms",
            "12.345",
        )


@pytest.mark.parametrize(
    ("language", "values"), [("en", "2.6 MB, 1,234, 4.568, 2.5, 12.5%"), ("de", "2,6 MB, 1.234, 4,568, 2,5, 12,5\xa0%")]
)
def test_numbers_are_written_in_the_language_of_the_reader(language, values):
    with translation.override(language):
        numbers = [format_bytes(2_800_000), format_count(1234), format_rounded(4.567891), format_exact(2.5)]
        assert ", ".join([*numbers, format_short_percent(0.125)]) == values
        assert (format_value(2.5), format_exact("2.5"), format_exact([2.5])) == (
            "2.5",
            "2.5",
            "[2.5]",
        )  # of forms, texts, JSON


def test_features_with_decimal_commas_are_separated_by_semicolons():
    features = [("length", 4.5, "cm"), ("petals", 5, "")]
    assert format_features(features) == "length 4.5 cm, petals 5"
    with translation.override("de"):
        assert format_features(features) == "length 4,5 cm; petals 5"


@pytest.mark.parametrize(
    ("zone", "text"),
    [("UTC", "UTC"), ("Europe/Berlin", "UTC+2"), ("Asia/Kolkata", "UTC+5:30"), ("America/St_Johns", "UTC-2:30")],
)
def test_a_time_zone_is_an_offset_in_each_language(zone, text):
    assert format_zone(datetime(2026, 7, 1, 12, tzinfo=ZoneInfo(zone))) == text
