"""Limit how many images are decoded at the same time, because that takes much time and memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from PIL import Image

from inference.errors import Overloaded

LARGE_IMAGE_PIXELS = 4_000_000
LARGE_IMAGE_WAIT_SECONDS = 10.0
OWNER_WAIT_SECONDS = 1.0  # several photos at once then wait for one another, and many slow images do not block all threads

_large_image_slots = threading.BoundedSemaphore(2)
_decodes: Counter[Hashable] = Counter()
_has_ended = threading.Condition()


class TooManyDecodes(Overloaded):
    """The owner of an image decodes too many others at the same time. The caller can retry the same request."""

    code = "too-many-decodes"
    retry_after_seconds = 1


@contextmanager
def limit_decodes(owner: Hashable, max_decodes: int) -> Iterator[None]:
    """Limit the number of images that one owner decodes at the same time.

    Raises:
        TooManyDecodes: no other image of the owner was completed for a second.
    """
    if owner is None:
        yield
        return
    with _has_ended:
        if not _has_ended.wait_for(lambda: _decodes[owner] < max_decodes, OWNER_WAIT_SECONDS):
            raise TooManyDecodes(
                f"You are sending more than {max_decodes} large images at the same time. Send this one again when the "
                "others are done."
            )
        _decodes[owner] += 1
    try:
        yield
    finally:
        with _has_ended:
            _decodes[owner] -= 1
            if not _decodes[owner]:
                del _decodes[owner]
            _has_ended.notify_all()


@contextmanager
def limit_large_images(image: Image.Image) -> Iterator[None]:
    """Limit the processing of large images to two threads, because each step holds another copy of all pixels.

    Raises:
        Overloaded: both threads process other images for too long.
    """
    if image.width * image.height < LARGE_IMAGE_PIXELS:
        yield
        return
    if not _large_image_slots.acquire(timeout=LARGE_IMAGE_WAIT_SECONDS):
        raise Overloaded("The server is processing too many large images. Send this one again later.")
    try:
        yield
    finally:
        _large_image_slots.release()
