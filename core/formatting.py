"""Format numbers and values for people. Pages and the admin use these functions; templates reach them through filters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import floor, isfinite, log10
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from inference import messages

NOT_AVAILABLE = "–"
MAX_PLAIN_NUMBER = 1e15  # from here on, an integral float is written with an exponent
SECONDS_WITH_DECIMAL = 10
MIN_WHOLE_MILLISECONDS = 1000
MAX_HOURS = 48  # longer durations are in days
BYTES_PER_KB = 1024
SIGNIFICANT_DIGITS = 4
WHOLE_NUMBER = 9999.5  # from here on, four significant digits have no decimals
WHOLE_OUTPUT = 999_999.5  # from here on, six significant digits have no decimals
MAX_EXACT_DECIMALS = 4  # numbers with more are computed, so that a column of them is rounded


def localize_number(text: str) -> str:
    """Return a number that Python wrote, such as `1,234.5`, with the separators of the active language."""
    decimal_mark = get_format("DECIMAL_SEPARATOR")
    if decimal_mark == ".":
        return text
    return text.translate({ord(","): get_format("THOUSAND_SEPARATOR"), ord("."): decimal_mark})


def format_percent(share: float | None) -> str:
    """Return 0.9642 as `96.4%`. Values just below 1 or above 0 are not rounded to `100.0%` or `0.0%`."""
    if share is None:
        return NOT_AVAILABLE
    if 0.9995 <= share < 1:
        return f"> {_format_percentage('99.9')}"
    if 0 < share < 0.0005:
        return f"< {_format_percentage('0.1')}"
    return _format_percentage(f"{share * 100:,.1f}")


def format_short_percent(share: float) -> str:
    """Return 0.5 as `50%`, and 0.125 as `12.5%`."""
    return _format_percentage(f"{share * 100:.4g}")


def _format_percentage(number: str) -> str:
    return gettext("%(number)s%%") % {"number": localize_number(number)}


def format_number(value: float | None) -> str:
    """Return a number with four significant digits, which is not rounded before the decimal point: `12,346`."""
    if value is None:
        return NOT_AVAILABLE
    if WHOLE_NUMBER <= abs(value) < MAX_PLAIN_NUMBER:
        return format_count(round(value))
    return localize_number(f"{value:,.4g}")


def format_output_number(value: float) -> str:
    """Return an output with six significant digits, which is not rounded before the decimal point: `1,524,157,824`."""
    if WHOLE_OUTPUT <= abs(value) < MAX_PLAIN_NUMBER:
        return format_count(round(value))
    return localize_number(f"{value:,.6g}")


def format_coefficient(value: float | None, decimals: int) -> str:
    """Return a coefficient of at most 1, such as kappa, with some decimals. Values just below 1 are not rounded to 1."""
    if value is None:
        return NOT_AVAILABLE
    text = f"{value:.{decimals}f}"
    limit = 1 - 10**-decimals
    return localize_number(f"> {limit:.{decimals}f}" if value < 1 and float(text) == 1 else text)


def format_count(value: int) -> str:
    """Return an integer with thousands separators."""
    return localize_number(f"{value:,}")


def format_bytes(size: int, *, round_up: bool = False) -> str:
    """Return a size as `2.7 MB`. See `inference.messages.format_bytes`."""
    if size < BYTES_PER_KB:
        return ngettext("%(count)s byte", "%(count)s bytes", size) % {"count": size}
    return localize_number(messages.format_bytes(size, round_up=round_up))


def format_milliseconds(value: float | None) -> str:
    """Return a duration as `12.3 ms`, and one of a second or more as `2,000 ms`."""
    if value is None:
        return NOT_AVAILABLE
    return localize_number(f"{value:,.{0 if value >= MIN_WHOLE_MILLISECONDS else 1}f} ms")


def format_duration(seconds: float | None) -> str:
    """Return a duration as `45 s`, `3 min 20 s`, `15 min`, `1 h 5 min`, or `3 days`. Short ones have a decimal: `0.4 s`."""
    if seconds is None:
        return NOT_AVAILABLE
    if seconds < SECONDS_WITH_DECIMAL:
        return localize_number(f"{seconds:.1f} s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= MAX_HOURS:
        return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def format_zone(moment: datetime) -> str:
    """Return the time zone of a time as `UTC` or `UTC+5:30`. Abbreviations, such as CET and MEZ, depend on the language."""
    offset = moment.utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def format_local_time(moment: datetime) -> str:
    """Return a time in the time zone and the language of the reader: `26 Nov 2026, 13:05`."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def format_datetime(moment: datetime) -> str:
    """Return a time with its zone: `26 Nov 2026, 13:05 UTC+1`."""
    return f"{format_local_time(moment)} {format_zone(timezone.localtime(moment))}"


def format_day(day: date) -> str:
    """Return a date without its year: `26 Nov`."""
    return date_format(day, "MONTH_DAY_FORMAT")


def format_value(value: Any) -> str:
    """Return a feature value as JSON and form fields have it: text without quotes, 4.0 as `4`, a missing value as a dash."""
    if value is None:
        return NOT_AVAILABLE
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_PLAIN_NUMBER:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


def format_exact(value: Any) -> str:
    """Return a value as `format_value`, with the decimal mark of the language."""
    text = format_value(value)
    return localize_number(text) if isinstance(value, float) else text


def format_bounds(low: float | None, high: float | None) -> str:
    """Return the numbers that are allowed as `0 to 10`, `0 or more`, or `10 or less`. Without bounds, the text is empty."""
    bounds = {name: format_exact(bound) for name, bound in (("low", low), ("high", high)) if bound is not None}
    if len(bounds) == 2:
        return gettext("%(low)s to %(high)s") % bounds
    if "low" in bounds:
        return gettext("%(low)s or more") % bounds
    return gettext("%(high)s or less") % bounds if bounds else ""


def format_rounded(value: Any, *, separators: bool = False) -> str:
    """Return a value as `format_exact`, with floats rounded to four significant digits, and not before the decimal point.

    Pages show the result together with the exact value, in a `title` or on a detail page.

    Args:
        separators: separate thousands.
    """
    if not isinstance(value, float) or not isfinite(value) or value == 0:
        return format_exact(value)
    if log10(abs(value)) + 1 >= SIGNIFICANT_DIGITS and abs(value) < MAX_PLAIN_NUMBER:
        return localize_number(f"{value:,.0f}") if separators else f"{value:.0f}"
    return localize_number(f"{value:.{SIGNIFICANT_DIGITS}g}")


def count_decimals(value: float) -> int:
    """Return the number of decimals that a finite number needs: 0 for 5.0, and 1 for 5.1."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def choose_decimals(values: Sequence[float]) -> int:
    """Return the number of decimals for all numbers of a column.

    Up to four decimals are exact. If a number has more, the largest one is rounded to four significant digits.
    """
    numbers = [value for value in values if isfinite(value) and abs(value) < MAX_PLAIN_NUMBER]
    decimals = max(map(count_decimals, numbers), default=0)
    if decimals <= MAX_EXACT_DECIMALS:
        return decimals
    limit = max(0, SIGNIFICANT_DIGITS - 1 - floor(log10(max(map(abs, numbers)))))
    return max(count_decimals(round(value, limit)) for value in numbers)


def format_decimals(value: float, decimals: int, *, separators: bool = False) -> str:
    """Return a number with a number of decimals. A number that would become 0 is rounded on its own.

    Args:
        separators: separate thousands with commas.
    """
    if not isfinite(value) or abs(value) >= MAX_PLAIN_NUMBER or (value and not round(value, decimals)):
        return format_rounded(float(value), separators=separators)
    return localize_number(f"{value:{',' if separators else ''}.{decimals}f}")


def join_values(texts: Iterable[str]) -> str:
    """Return values separated by commas, or by semicolons if the decimal mark is a comma."""
    return (", " if get_format("DECIMAL_SEPARATOR") == "." else "; ").join(texts)


def format_features(features: Iterable[tuple[str, Any, str]]) -> str:
    """Return (name, value, unit) triples in one line: `length 4.5 cm, petals 5`. See `join_values`."""
    return join_values(
        f"{name} {format_rounded(value)} {unit if value is not None else ''}".strip() for name, value, unit in features
    )


def shorten(text: str, length: int) -> str:
    """Return a text of at most this many characters, as `truncatechars` does, which takes 20 µs for short ones too."""
    return text if len(text) <= length else Truncator(text).chars(length)


def format_json(value: Any) -> str:
    """Return indented JSON. Templates escape it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
