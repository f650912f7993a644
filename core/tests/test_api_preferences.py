import time

import pytest

from core.api.preferences import Preference, parse_preference

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("respond-async", (True, None)),
        ("Respond-Async", (True, None)),
        ("respond-async, wait=5", (True, 5)),
        ("wait=5, respond-async", (True, 5)),
        ("wait=5", (False, 5)),
        ("wait = 5", (False, 5)),
        ('wait="5"', (False, 5)),
        ("wait=0", (False, 0)),
        ("WAIT=7;x=1 , foo", (False, 7)),
        ("respond-async; x, wait=3", (True, 3)),
        ('return=minimal; foo="some, thing", respond-async', (True, None)),
        ('foo="a, respond-async"', (False, None)),
        ('foo="a\\", wait=3", wait=4', (False, 4)),
        (",, ,respond-async,", (True, None)),
        ("wait=5, wait=9", (False, 5)),
        ("wait=x, wait=9", (False, None)),
        ("respond-async=", (True, None)),
        ("wait=99999999999999999999999999", (False, 10**9)),
        ("wait=" + "9" * 5000, (False, 10**9)),
        ("wait=000000000000000000000000005", (False, 0)),
        ("wait=-1", (False, None)),
        ("wait=1.5", (False, None)),
        ("wait=٣", (False, None)),
        ("wait", (False, None)),
        ("respond async", (False, None)),
        ("respond-async wait=5", (False, None)),
        ('respond-async, "', (True, None)),
        ("return=minimal", (False, None)),
        ("", (False, None)),
        ("\0", (False, None)),
        ("=5", (False, None)),
    ],
)
def test_the_known_preferences_are_read(header, expected):
    assert parse_preference(header) == Preference(*expected)


@pytest.mark.parametrize("part", ['"', '"\\', "\\", "a=", "a,", ",", " ", "a ", "a;", 'a="'])
def test_long_headers_are_parsed_in_linear_time(part):
    started = time.monotonic()
    assert parse_preference(part * 50_000) == Preference()
    assert time.monotonic() - started < 2


def test_applied_preferences_are_described():
    assert Preference(True, 5).describe(wait_seconds=3) == "respond-async, wait=3"
    assert Preference(True).describe(wait_seconds=None) == "respond-async"
    assert Preference(False, 5).describe(wait_seconds=5) == "wait=5"
