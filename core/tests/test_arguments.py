"""The types of the arguments of management commands."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime

import pytest

from core.management.arguments import build_integer_parser, build_number_parser, parse_age, parse_time

pytestmark = pytest.mark.once


def test_values_in_the_range_are_parsed():
    assert build_integer_parser(1, 10)("10") == 10
    assert build_number_parser(0)("1e-5") == 1e-5
    assert parse_age("0.5") == 0.5
    assert parse_time("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert parse_time("2026-01-31T01:00:00+01:00") == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        *((build_integer_parser(1, 50), text, "a whole number from 1 to 50") for text in ("0", "51", "9" * 30, "1.5")),
        *((build_number_parser(0), text, "a number of at least 0") for text in ("-1", "nan", "inf", "x")),
        (build_number_parser(0, 1), "1.5", "a number from 0 to 1"),
        *((parse_age, text, "a number from 0 to 3,153,600,000") for text in ("-1", "1e300", "9" * 30)),
        *((parse_time, text, "a date or time") for text in ("soon", "0001-01-01", "9999-12-31T23:59:59-14:00")),
    ],
)
def test_other_values_are_rejected(parse, text, expected):
    with pytest.raises(ArgumentTypeError, match=f"Expected {expected}.* Received: '{text}'"):
        parse(text)
