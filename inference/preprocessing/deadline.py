"""Limit the CPU time of decoding. Decoders read their file in small parts, and each read checks the clock.

CPU time of the thread is measured, not elapsed time, so that a valid image is not rejected because the server is busy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO

from inference.errors import InvalidImage

TOO_COMPLEX_CODE = "too-complex"
READ_BLOCK_BYTES = 8192  # of large images; a PNG can expand a block to 8 MB, which takes 10 ms
MIN_TIMED_FILE_BYTES = 16 * 2**10  # smaller files take at most 0.1 seconds, and a check of each read takes 5 microseconds
MIN_CHECKED_BYTES = 256
UNCHECKED_READS = 63  # small reads between two checks; must be a power of two minus one


@dataclass(slots=True)
class DecodeBudget:
    """CPU seconds that all images of one request can take, and those that rejected images can take."""

    seconds: float
    rejected_seconds: float


_budget: ContextVar[DecodeBudget | None] = ContextVar("decode_budget", default=None)


class TimedFile(BytesIO):
    """A file in memory. Reading it fails once the thread has used its CPU time.

    Raises:
        InvalidImage: `too-complex`.
    """

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self._seconds = seconds
        self._end = time.thread_time() + seconds
        self._count = 0

    def read(self, size: int | None = -1) -> bytes:
        self._count += 1
        if (size is None or not 0 <= size < MIN_CHECKED_BYTES or not self._count & UNCHECKED_READS) and (
            time.thread_time() > self._end
        ):
            raise make_complexity_error(f"Decoding the image takes longer than {self._seconds:.2g} seconds.")
        return super().read(size)


def open_timed(data: bytes, seconds: float) -> BytesIO:
    """Return a file in memory whose reads fail after some seconds of CPU time. The check is omitted for small files."""
    return BytesIO(data) if len(data) < MIN_TIMED_FILE_BYTES else TimedFile(data, seconds)


@contextmanager
def limit_total_decoding(*, seconds: float, rejected_seconds: float) -> Iterator[None]:
    """Limit the CPU time of all images that this thread decodes meanwhile.

    Args:
        seconds: of all images.
        rejected_seconds: of images that are rejected. A request full of images that are slow to decode ends early.
    """
    token = _budget.set(DecodeBudget(seconds, rejected_seconds))
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def measure_decoding(seconds: float) -> Iterator[float]:
    """Provide the CPU seconds that one image can take, and subtract what it takes from those of the request.

    Raises:
        InvalidImage: `too-complex`: the images before have used the time of the request.
    """
    budget = _budget.get()
    if budget is None:
        yield seconds
        return
    if min(budget.seconds, budget.rejected_seconds) <= 0:
        raise InvalidImage(
            "The other images of this request took too long to decode, so this one was not decoded. Send it again in "
            "another request.",
            code=TOO_COMPLEX_CODE,
        )
    started = time.thread_time()
    try:
        yield seconds
    except InvalidImage:
        budget.rejected_seconds -= time.thread_time() - started
        raise
    finally:
        budget.seconds -= time.thread_time() - started


def make_complexity_error(reason: str) -> InvalidImage:
    """Return the error for an image whose decoding takes too much time or memory for its size."""
    return InvalidImage(f"{reason} Open it in an image editor, and save it again.", code=TOO_COMPLEX_CODE)
