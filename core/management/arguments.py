"""Types of the arguments of management commands. An invalid value is an error of the command, without a traceback."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

from core.filters import FIRST_TIME, LAST_TIME

MAX_AGE_SECONDS = 100 * 365 * 24 * 3600


def build_integer_parser(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a function that parses a whole number in a range, and raises `ArgumentTypeError` for another text."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not minimum <= int(text) <= maximum:
            raise ArgumentTypeError(f"Expected a whole number from {minimum:,} to {maximum:,}. Received: {text!r}")
        return int(text)

    return parse


def build_number_parser(minimum: float, maximum: float | None = None) -> Callable[[str], float]:
    """Return a function that parses a finite number in a range, and raises `ArgumentTypeError` for another text."""
    expected = f"of at least {minimum:g}" if maximum is None else f"from {minimum:g} to {maximum:,.10g}"

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or number < minimum or (maximum is not None and number > maximum):
            raise ArgumentTypeError(f"Expected a number {expected}. Received: {text!r}")
        return number

    return parse


parse_age = build_number_parser(0, MAX_AGE_SECONDS)  # in seconds


def parse_time(text: str) -> datetime:
    """Return a date or a time, in UTC unless it names another time zone.

    Raises:
        ArgumentTypeError: it is not one that a database can store.
    """
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        is_storable = FIRST_TIME <= time <= LAST_TIME
    except (ValueError, OverflowError):
        is_storable = False
    if not is_storable:
        raise ArgumentTypeError(f"Expected a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z. Received: {text!r}")
    return time
