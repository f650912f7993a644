"""Start streamed responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


def start_stream(parts: Iterator[T]) -> Iterator[T]:
    """Compute the first part of the content of a response, and return an iterator over all parts.

    The view then raises an error of the first query, for which it has a response. The server reads the other parts after it
    has sent the status: an error can only close the connection.
    """
    first = next(parts, None)
    return _resume_stream(first, parts)


def _resume_stream(first: T | None, parts: Iterator[T]) -> Iterator[T]:
    if first is not None:
        yield first
        yield from parts
