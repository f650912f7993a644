"""Check that UBJSON is complete, https://ubjson.org/type-reference/. XGBoost reads past the end of a truncated file."""

from __future__ import annotations

import struct

# Formats of the numbers by type marker, in big-endian order.
NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d", "C": ">B"}
LENGTHS = "iUIlL"
CONSTANTS = "TFZN"
MAX_DEPTH = 32


class UbjsonReader:
    """Walk through UBJSON without building objects. Arrays of numbers are skipped at once.

    Raises:
        ValueError: the data ends early or is malformed.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def check(self) -> None:
        """Raise `ValueError` unless the data is one complete object and nothing else."""
        if self._read_marker() != "{":
            raise ValueError("expected an object")
        self._skip_container("}", 0)
        if self._position != len(self._data):
            raise ValueError("expected nothing after the object")

    def _skip_value(self, marker: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("too many nested values")
        if marker in "{[":
            self._skip_container("}" if marker == "{" else "]", depth)
        elif marker in "SH":
            self._skip(self._read_length())
        elif marker in NUMBERS:
            self._skip(struct.calcsize(NUMBERS[marker]))
        elif marker not in CONSTANTS:
            raise ValueError(f"unknown type {marker!r}")

    def _skip_container(self, end: str, depth: int) -> None:
        """Skip an array or an object after its first marker: values until its end, or a count of values of any type."""
        item_type = count = None
        if self._peek() == "$":
            self._skip(1)
            item_type = self._read_marker()
        if self._peek() == "#":
            self._skip(1)
            count = self._read_length()
        elif item_type is not None:
            raise ValueError("expected a count")
        if item_type in NUMBERS and count is not None and end == "]":
            self._skip(count * struct.calcsize(NUMBERS[item_type]))
            return
        while self._peek() != end if count is None else count > 0:
            if end == "}":
                self._skip(self._read_length())
            self._skip_value(item_type or self._read_marker(), depth + 1)
            count = None if count is None else count - 1
        if count is None:
            self._skip(1)

    def _read_length(self) -> int:
        marker = self._read_marker()
        if marker not in LENGTHS:
            raise ValueError("expected a length")
        start = self._position
        self._skip(struct.calcsize(NUMBERS[marker]))
        length = int(struct.unpack_from(NUMBERS[marker], self._data, start)[0])
        if length < 0:
            raise ValueError("expected a length of at least 0")
        return length

    def _read_marker(self) -> str:
        marker = self._peek()
        self._skip(1)
        return marker

    def _peek(self) -> str:
        return chr(self._data[self._position]) if self._position < len(self._data) else ""

    def _skip(self, size: int) -> None:
        self._position += size
        if self._position > len(self._data):
            raise ValueError("the data ends early")
