import pytest

from core.formatting import format_duration, format_milliseconds, format_percent


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.0%"), (0.0001, "< 0.1%"), (0.9642, "96.4%"), (0.99996, "> 99.9%"), (1.0, "100.0%")],
)
def test_percent_is_not_rounded_to_0_or_100(value, text):
    assert format_percent(value) == text


def test_milliseconds_have_one_decimal():
    assert (format_milliseconds(None), format_milliseconds(1234.56)) == ("–", "1,234.6 ms")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations_are_rounded(seconds, text):
    assert format_duration(seconds) == text
