import pytest

from core.formatting import format_milliseconds, format_percent


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0.0%"), (0.0001, "< 0.1%"), (0.9642, "96.4%"), (0.99996, "> 99.9%"), (1.0, "100.0%")],
)
def test_percent_is_not_rounded_to_0_or_100(value, text):
    assert format_percent(value) == text


def test_milliseconds_have_one_decimal():
    assert (format_milliseconds(None), format_milliseconds(1234.56)) == ("–", "1,234.6 ms")
