"""Reject files whose parts would keep a decoder busy, before a decoder opens them.

A file of a few kilobytes can have thousands of scans, chunks, or frames. They are counted without decoding anything. The
limits are far above what cameras, image editors, and web sites produce, and below what takes a second to decode.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from inference.errors import InvalidImage
from inference.preprocessing.deadline import make_complexity_error
from inference.preprocessing.exif import EXIF_PREFIX, check_exif

# Encoders of progressive JPEG files write 10 scans (`jpeg_simple_progression` of libjpeg), or 18 for CMYK. libjpeg-turbo
# recommends 500 for its own tests, but 100 scans of 25 megapixels take 1.6 seconds.
MAX_JPEG_SCANS = 100
MAX_SCANNED_PIXELS = 1_000_000_000  # pixels times scans: 40 scans of 25 megapixels take 0.6 seconds
ALLOWED_SCANS = 20  # of an image of any size
# Profiles, XMP, and signatures of provenance are split into segments of 64 KB: 160 in a file of 10 MB.
MAX_JPEG_SEGMENTS = 1000
MAX_JPEG_EXIF_BYTES = 4 * 2**20  # of all EXIF segments, which Pillow appends to one another
MAX_JPEG_GAP_BYTES = 2**16  # between segments; Pillow reads them one by one
# libpng writes 8 KB of pixels per chunk: 1,280 chunks in a file of 10 MB. Others write a chunk per row.
MAX_PNG_CHUNKS = 20_000
MAX_PNG_PROFILES = 4  # PNG allows one; each can expand to 1 MB
MAX_WEBP_CHUNKS = 1000  # still images have up to 8

# A marker in a JPEG file: not an escaped byte, a restart marker, or another marker without a length.
MARKER_PATTERN = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1  # ITU-T T.81, table B.1
PROGRESSIVE_CODES = (0xC2, 0xC6, 0xCA, 0xCE)
SOF_CODES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
SOS_BYTES = b"\xff\xda"


class _Frame(NamedTuple):
    """The values in the header of a JPEG frame on which its scans depend."""

    pixels: int = 0
    components: int = 0
    is_progressive: bool = True


def check_complexity(data: bytes) -> None:
    """Check the parts of a JPEG, PNG, or WebP file. Damaged files are left to the decoder.

    Raises:
        InvalidImage: `too-complex`, or `animated-image` for a WebP file with frames.
    """
    if data.startswith(b"\xff\xd8\xff"):
        _check_jpeg(data)
    elif data.startswith(b"\x89PNG"):
        _check_png(data)
    elif data.startswith(b"RIFF"):
        _check_webp(data)


def make_animation_error() -> InvalidImage:
    """Return the error for an image with several frames."""
    return InvalidImage("Animated images are not supported. Send an image with a single frame.", code="animated-image")


def read_webp_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and the height in the header of a WebP file, and None for any other file.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    if not data.startswith(b"RIFF") or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    return None


def _check_jpeg(data: bytes) -> None:
    """Check the segments up to the first scan and, only if the file can have many scans, those between the scans."""
    scans = gap_bytes = 0
    frame = _Frame()
    exif: list[bytes] = []
    end = 2
    for count, (code, start, next_end) in enumerate(_iterate_segments(data), 1):
        gap_bytes += 0 if scans else start - 2 - end
        end = next_end
        if code == SOS:
            scans += 1
            if scans == 1 and not _can_have_many_scans(data, frame, start):
                break
        elif code in SOF_CODES:
            frame = _read_frame(data, code, start)
        elif code == APP1 and data.startswith(EXIF_PREFIX, start + 2):
            exif.append(data[start + 8 if exif else start + 2 : end])
        if count > MAX_JPEG_SEGMENTS or gap_bytes > MAX_JPEG_GAP_BYTES:
            raise make_complexity_error("The JPEG file has too many segments.")
        if scans > ALLOWED_SCANS and (scans > MAX_JPEG_SCANS or scans * frame.pixels > MAX_SCANNED_PIXELS):
            raise make_complexity_error("The JPEG file has too many scans for its size.")
    _check_jpeg_exif(exif)


def _iterate_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, the start, and the end of each segment of a JPEG file."""
    position = 2
    while match := MARKER_PATTERN.search(data, position):
        code, start = match[1][0], match.end()
        if code == EOI:
            return
        position = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        yield code, start, position


def _can_have_many_scans(data: bytes, frame: _Frame, start: int) -> bool:
    """Return whether the decoder reads scans after the first, and the file has many.

    If the first scan of a sequential file has all components, libjpeg reads no other (`jdmaster.c`, `has_multiple_scans`).
    """
    is_complete = not frame.is_progressive and data[start + 2 : start + 3] == bytes([frame.components])
    return not is_complete and data.count(SOS_BYTES) > ALLOWED_SCANS  # takes 1.3 ms per MB


def _read_frame(data: bytes, code: int, start: int) -> _Frame:
    header = data[start + 3 : start + 8].ljust(5, b"\0")
    height, width, components = struct.unpack(">HHB", header)
    return _Frame(height * width, components, code in PROGRESSIVE_CODES)


def _check_jpeg_exif(parts: list[bytes]) -> None:
    if sum(map(len, parts)) > MAX_JPEG_EXIF_BYTES:
        raise make_complexity_error("The JPEG file has too much EXIF data.")
    check_exif(b"".join(parts))


def _check_png(data: bytes) -> None:
    position, count, profiles = 8, 0, 0
    end = len(data) - 8
    while position <= end:
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return
        count += 1
        profiles += kind == b"iCCP"
        if count > MAX_PNG_CHUNKS or profiles > MAX_PNG_PROFILES:
            raise make_complexity_error("The PNG file has too many chunks.")
        position += length + 12


def _check_webp(data: bytes) -> None:
    position = 12
    kinds: Counter[bytes] = Counter()
    end = len(data) - 8
    while position <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        kinds[kind] += 1
        if kinds[b"ANMF"] > 1:
            raise make_animation_error()
        if kinds.total() > MAX_WEBP_CHUNKS:
            raise make_complexity_error("The WebP file has too many chunks.")
        position += 8 + length + (length & 1)
