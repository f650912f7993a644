"""Format values, lists, and sizes for error messages, and suggest corrections."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import islice
from math import ceil, floor
from typing import Any

MAX_VALUE_LENGTH = 60  # characters of a value in a message
MAX_LISTED_NAMES = 12
MAX_SHOWN_NAME_LENGTH = 100
MAX_COMPARED_LENGTH = 100  # characters of a string that is compared with the choices
MAX_COMPARED_CHOICES = 60  # 1 ms of CPU for similar names
MAX_HINTED_ERRORS = 20  # of a request. Further errors do not suggest corrections, because finding these takes time


def quote_value(value: Any) -> str:
    """Return a value as JSON, truncated to `MAX_VALUE_LENGTH` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 1] + "…"


def clean_name(name: str) -> str:
    """Return a name for messages and pages: printable, on one line, and not too long. Models receive the original."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split()) or "(no name)"
    return text if len(text) <= MAX_SHOWN_NAME_LENGTH else text[: MAX_SHOWN_NAME_LENGTH - 1] + "…"


def format_names(names: Sequence[str]) -> str:
    """Return the names separated by commas. A long list is truncated and ends with its length."""
    more = f" … ({len(names)} in total)" if len(names) > MAX_LISTED_NAMES else ""
    return ", ".join(map(clean_name, names[:MAX_LISTED_NAMES])) + more


def format_bytes(size: int, *, round_up: bool = False) -> str:
    """Return a size in bytes, KB, MB, or GB (powers of 1024) with at most one decimal.

    Args:
        round_up: round up, so that a size just above a limit never looks equal to the limit. The default rounds down.
    """
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= factor:
            tenths = (ceil if round_up else floor)(size * 10 / factor)
            return f"{tenths / 10:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} byte{'' if size == 1 else 's'}"


def find_closest(text: str, choices: Iterable[Any]) -> Any:
    """Return the choice that is most similar to a string, ignoring case, or None if no choice is similar."""
    folded_text = text[:MAX_COMPARED_LENGTH].casefold()
    folded = {str(choice).casefold(): choice for choice in choices}
    if folded_text in folded:
        return folded[folded_text]
    candidates = (name for name in folded if name[:1] == folded_text[:1] or name[-1:] == folded_text[-1:])
    matches = get_close_matches(folded_text, list(islice(candidates, MAX_COMPARED_CHOICES)), 1)
    return folded[matches[0]] if matches else None
