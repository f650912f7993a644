"""The header Prefer (RFC 7240): whether, and after which time, a client prefers a response before the result is there."""

from __future__ import annotations

import re
from dataclasses import dataclass

META_NAME = "HTTP_PREFER"
MAX_WAIT_SECONDS = 10**9

NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
WORD = rf'(?:{NAME}|"(?:[^"\\]|\\.)*")'
# Parameters of a preference follow it after semicolons. None of the preferences here has any.
PREFERENCE = re.compile(rf"({NAME})(?:[ \t]*=[ \t]*({WORD})?)?[ \t]*(?:;.*)?", re.DOTALL)
# A quotation mark without a second one extends to the end. Otherwise, the time would be quadratic.
ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.?)*(?:"|$))+', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Preference:
    """What a client prefers if a result takes long.

    Args:
        respond_async: a response without the result.
        wait_seconds: how long the client waits for the result; None if it did not specify a time.
    """

    respond_async: bool = False
    wait_seconds: int | None = None

    @property
    def is_background(self) -> bool:
        """Return whether the client accepts a response without the result, at once or after a time."""
        return self.respond_async or self.wait_seconds is not None

    def describe(self, *, wait_seconds: int | None) -> str:
        """Return the value of the header Preference-Applied.

        Args:
            wait_seconds: how long the server waited at most; None if it did not wait.
        """
        wait = [] if wait_seconds is None else [f"wait={wait_seconds}"]
        return ", ".join([*(["respond-async"] if self.respond_async else []), *wait])


def parse_preference(header: str) -> Preference:
    """Parse one or more Prefer headers, joined with commas. Ignore unknown and malformed preferences.

    If a preference is sent twice, the first one counts.
    """
    values: dict[str, str] = {}
    for element in ELEMENT.findall(header):
        if match := PREFERENCE.fullmatch(element.strip(" \t")):
            values.setdefault(match[1].lower(), _unquote(match[2] or ""))
    wait = values.get("wait", "")
    is_number = wait.isascii() and wait.isdigit()
    return Preference("respond-async" in values, min(int(wait[:19]), MAX_WAIT_SECONDS) if is_number else None)


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
