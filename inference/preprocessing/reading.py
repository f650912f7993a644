"""Check and decode an uploaded image: every rule with a code of its own, the dear steps last."""

from __future__ import annotations

import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from inference.errors import ImageTooLarge, InvalidImage, UnsupportedFormat

CONTENT_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
DECODERS = ("JPEG", "PNG", "WEBP")  # MPO, a JPEG with more pictures behind the first, comes through the first of them
END_OF_JPEG = b"\xff\xd9"  # ITU-T T.81, table B.1: EOI
END_OF_PNG = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # https://www.w3.org/TR/png-3/#11IEND

# What Pillow's decoders raise on bytes that lie. MemoryError: a length field that lies.
DECODER_ERRORS: tuple[type[Exception], ...] = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, KeyError, IndexError, TypeError, AttributeError),
    *(ZeroDivisionError, OverflowError, MemoryError, Image.DecompressionBombError),
)

# First bytes of the images that are not accepted, to say so by name instead of "not an image".
FOREIGN_MAGIC = {
    b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"II+\x00": "TIFF", b"\x00\x00\x01\x00": "ICO",
    b"\x00\x00\x02\x00": "CUR", b"\x01\xda": "SGI", b"\x00\x00\x00\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000",
    b"SIMPLE  =": "FITS", b"\x1f\x8b": "gzip", b"8BPS": "PSD", b"%!PS": "EPS", b"\xc5\xd0\xd3\xc6": "EPS", b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "FlashPix", b"DDS ": "DDS", b"\xff\x0a": "JPEG XL", b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"qoif": "QOI", b"icns": "ICNS", b"v/1\x01": "OpenEXR", b"\xd7\xcd\xc6\x9a": "WMF", b"\x0a\x05\x01": "PCX",
    b"\x0a\x00\x01": "PCX", b"\x0a\x02\x01": "PCX", b"\x0a\x03\x01": "PCX",
}  # fmt: skip
FOREIGN_MAGIC |= {b"P%d%c" % (kind, space): "PPM" for kind in range(1, 8) for space in b" \n\r\t"}
TGA_FOOTER = b"TRUEVISION-XFILE.\x00"
XML_OPENINGS = (b"<?xml", b"<svg", b"<!doctype svg", b"<!--")


# Pillow warns of many pixels and of odd EXIF; our own limits decide.
warnings.filterwarnings("ignore", module=r"PIL\.")

LARGE = 4_000_000  # pixels
large_images = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an uploaded image may be: bytes, pixels in all, pixels a side."""

    max_bytes: int = 10 * 2**20
    max_pixels: int = 25_000_000
    max_side: int = 10_000
    min_side: int = 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image and what the decoder, not the sender, says of it. Width and height are as stored, unturned."""

    image: Image.Image
    content_type: str
    width: int
    height: int


def read_image(data: bytes, limits: ImageLimits) -> Picture:
    """Check and decode an image, in the order bytes, format, pixels, content, so that the dear steps come last.

    Raises:
        InvalidImage: with the code `empty-file`, `invalid-image`, `truncated-image`, `too-many-pixels`, `too-small` or
            `animated-image`.
        ImageTooLarge: `file-too-large`.
        UnsupportedFormat: `unsupported-image-format`.
    """
    check_size(len(data), limits)
    with decoding(data, limits):
        image = _open(data)
        _check_header(image, limits)
        with room_for(image):
            image.load()
        # Pillow shows a PNG without its last chunk as if it were whole.
        if image.format == "PNG" and _is_cut_off(data):
            raise _truncated()
    return Picture(image, CONTENT_TYPES[image.format or ""], image.width, image.height)


def check_size(size: int, limits: ImageLimits) -> None:
    """Refuse by the number of bytes alone, before any of them is read."""
    if size == 0:
        raise InvalidImage("The file is empty. Send a JPEG, PNG or WebP image.", code="empty-file")
    if size > limits.max_bytes:
        raise ImageTooLarge(f"The file is larger than {limits.max_bytes:,} bytes. Received: {size:,} bytes.")


@contextmanager
def decoding(data: bytes = b"", limits: ImageLimits = ImageLimits()) -> Iterator[None]:
    """Turn whatever a decoder raises into `InvalidImage`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(limits, "more than the decoder's own limit") from error
    except DECODER_ERRORS as error:
        if _is_cut_off(data) or "truncated" in str(error):
            raise _truncated() from error
        raise InvalidImage("The image is damaged: it cannot be decoded.") from error


@contextmanager
def room_for(image: Image.Image) -> Iterator[None]:
    """Let only a few threads at a time work on large images: each step holds another copy of all pixels."""
    if image.width * image.height < LARGE:
        yield
        return
    with large_images:
        yield


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=DECODERS)
    except UnidentifiedImageError as error:
        if _is_cut_off(data):
            raise _truncated() from error
        if foreign := _foreign_format(data):
            raise UnsupportedFormat(f"Expected a JPEG, PNG or WebP image. Received: {foreign}.") from error
        raise InvalidImage("The file is not an image. Send a JPEG, PNG or WebP image.") from error


def _is_cut_off(data: bytes) -> bool:
    """Return whether a JPEG, PNG or WebP file lacks its end."""
    if data.startswith(b"\xff\xd8\xff"):
        return END_OF_JPEG not in data
    if data.startswith(b"\x89PNG"):
        return END_OF_PNG not in data
    return data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _foreign_format(data: bytes) -> str | None:
    if data[4:8] == b"ftyp":
        return "AVIF or HEIC"
    if data.endswith(TGA_FOOTER):
        return "TGA"
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(XML_OPENINGS) and b"<svg" in text:
        return "SVG"
    return next((name for magic, name in FOREIGN_MAGIC.items() if data.startswith(magic)), None)


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise _too_many_pixels(limits, f"{width:,} x {height:,}")
    if min(width, height) < limits.min_side:
        raise InvalidImage(
            f"Expected at least {limits.min_side} x {limits.min_side} pixels. Received: {width} x {height}.",
            code="too-small",
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise InvalidImage(
            f"Expected a still image. Received: an animation of {image.n_frames} frames.",  # type: ignore[attr-defined]
            code="animated-image",
        )


def _truncated() -> InvalidImage:
    return InvalidImage("The image is cut off: its end is missing. Send the whole file.", code="truncated-image")


def _too_many_pixels(limits: ImageLimits, received: str) -> InvalidImage:
    return InvalidImage(
        f"Expected at most {limits.max_pixels:,} pixels and {limits.max_side:,} a side. Received: {received}.",
        code="too-many-pixels",
    )
