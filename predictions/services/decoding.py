"""Limit the time that the images of one request take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from inference.preprocessing import limit_total_decoding

MAX_REQUEST_DECODE_SECONDS = 20.0  # of CPU time; 256 photos of 12 megapixels take 7 seconds


@contextmanager
def limit_request_decoding() -> Iterator[None]:
    """Limit the time for decoding the images of a request.

    Afterwards, further images are rejected with the code `too-complex`. Images that are rejected get less time in total, so
    that a request full of images that are slow to decode ends after some seconds.
    """
    rejected_seconds = 2 * settings.MAX_DECODE_SECONDS
    with limit_total_decoding(seconds=MAX_REQUEST_DECODE_SECONDS, rejected_seconds=rejected_seconds):
        yield
