"""Check EXIF data before Pillow parses it.

EXIF data is a TIFF directory, whose entries refer to their values by offset. Thousands of entries can refer to the same
bytes, and Pillow copies them for each.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from PIL import Image

from inference.preprocessing.deadline import make_complexity_error

# TIFF 6.0, page 15, and the types of Pillow
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
MAX_ENTRIES = 2000  # cameras write up to 60
MAX_SHARED_BYTES = 2**16  # values that overlap, in addition to the size of the data
EXIF_PREFIX = b"Exif\0\0"  # Pillow removes repeated ones, and copies the rest each time
PROFILE_KEY = "Raw profile type exif"  # of PNG files written by ImageMagick, in hexadecimal


def check_image_exif(image: Image.Image) -> None:
    """Check the EXIF data of an opened image.

    Raises:
        InvalidImage: `too-complex`.
    """
    data = image.info.get("exif")
    if data is None and isinstance(text := image.info.get(PROFILE_KEY), str):
        with suppress(ValueError):
            data = bytes.fromhex("".join(text.split("\n")[3:]))
    if isinstance(data, bytes):
        check_exif(data)


def check_exif(data: bytes) -> None:
    """Check the number and the size of the values in the main directory of EXIF data. Unreadable data is left to Pillow.

    Raises:
        InvalidImage: `too-complex`.
    """
    if data.startswith(EXIF_PREFIX * 4):
        raise make_complexity_error("The EXIF data of the image is damaged.")
    while data.startswith(EXIF_PREFIX):
        data = data.removeprefix(EXIF_PREFIX)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(f"{order}H", data, start)
    count = min(count, (len(data) - start - 2) // 12)
    total = valid = 0
    for _, kind, items, offset in struct.iter_unpack(f"{order}HHII", data[start + 2 : start + 2 + 12 * count]):
        size = TYPE_BYTES.get(kind, 0) * items
        valid += size > 0
        total += min(size, max(0, len(data) - offset)) if size > 4 else 0
    if valid > MAX_ENTRIES or total > 2 * len(data) + MAX_SHARED_BYTES:
        raise make_complexity_error("The EXIF data of the image has too many values.")
