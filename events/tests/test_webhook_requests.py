"""The parts of a response that a receiver can fill with anything."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from events.webhooks.http import Response
from events.webhooks.requests import MAX_RETRY_AFTER_SECONDS, extract_text, parse_retry_after

pytestmark = pytest.mark.once


def parse(value):
    return parse_retry_after(Response(503, b"", value, 0.1))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120), (" 7 ", 7), ("0", 0), ("9" * 400, MAX_RETRY_AFTER_SECONDS), ("Mon, 01 Jan 2001 00:00:00 GMT", 1)],
)
def test_retry_after_is_limited(value, seconds):
    assert parse(value) == seconds


def test_retry_after_can_be_a_date():
    assert 25 < parse(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)) <= 30


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1.5", "²", "Mon, 99 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"],
)
def test_other_values_of_retry_after_are_ignored(value):
    assert parse(value) is None


def test_excerpts_are_short_printable_texts():
    text = extract_text(b"a\x00\n\x1b[31m\xff\xed\xa0\x80" + "é".encode() * 5000)
    assert text.isprintable()
    assert text.startswith("a   [31m")
    assert len(text) == 300
