"""Validate and decode uploaded images. Each check has its own error code, and expensive checks run last."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from PIL import Image, UnidentifiedImageError

from inference.errors import ImageTooLarge, InvalidImage, UnsupportedFormat
from inference.messages import format_bytes
from inference.preprocessing.complexity import check_complexity, make_animation_error, read_webp_size
from inference.preprocessing.deadline import READ_BLOCK_BYTES, measure_decoding, open_timed
from inference.preprocessing.decoder_errors import DECODER_ERRORS
from inference.preprocessing.exif import check_image_exif
from inference.preprocessing.reduction import reduce_decoding
from inference.preprocessing.slots import limit_decodes, limit_large_images
from inference.preprocessing.unsupported_formats import detect_unsupported_format
from inference.signature import ImageInput

CONTENT_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
DECODERS = ("JPEG", "PNG", "WEBP")  # The JPEG decoder also opens MPO, a JPEG with additional images
ENDS = {
    "JPEG": b"\xff\xd9",  # ITU-T T.81, table B.1: EOI
    "PNG": b"\x00\x00\x00\x00IEND\xaeB`\x82",  # https://www.w3.org/TR/png-3/#11IEND
}

FILE_KEY = "file"  # of the uploaded bytes in `Image.info`, for models that decode files themselves
FILE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG")  # first bytes of JPEG and PNG, which every model can decode

# Pillow warns about large images, which ImageLimits rejects, and about unusual EXIF data, which is ignored.
warnings.filterwarnings("ignore", module=r"PIL\.")

BITS_KEY = "bits_per_channel"  # in `Image.info`
SLOW_IMAGE_PIXELS = 1_000_000  # decoding fewer takes at most 0.1 seconds


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits for uploaded images.

    Args:
        max_bytes, max_pixels, max_side, min_side: of one image; sides are in pixels.
        max_decode_seconds: CPU time of the decoder. The slowest valid images of 25 megapixels take 0.8 seconds.
        max_decodes: images of more than a megapixel that one owner can decode at the same time, in this process.
        max_exact_pixels: images with more pixels can be reduced while they are decoded, see `reduce_decoding`.
    """

    max_bytes: int = 10 * 2**20
    max_pixels: int = 25_000_000
    max_side: int = 10_000
    min_side: int = 8
    max_decode_seconds: float = 1.5
    max_decodes: int = 4
    max_exact_pixels: int = 1_000_000


STORED_LIMITS = ImageLimits(max_pixels=150_000_000, max_side=65_535, max_decode_seconds=5)  # of stored images


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded image with its type and size according to its header. EXIF orientation is not applied.

    The image itself can be smaller, if it was reduced when it was decoded.
    """

    image: Image.Image
    content_type: str
    width: int
    height: int


def read_image(
    data: bytes, limits: ImageLimits, signature: ImageInput | None = None, *, owner: Hashable = None
) -> DecodedImage:
    """Validate and decode an image. The size in bytes is checked first, then the format, the pixels, and the content.

    Args:
        signature: of the model that the image is for. A large JPEG is then reduced while it is decoded.
        owner: whose images count together for `limits.max_decodes`; None for no limit.

    Raises:
        InvalidImage: with the code `empty-file`, `invalid-image`, `truncated-image`, `too-many-pixels`, `too-small`,
            `animated-image`, or `too-complex`.
        ImageTooLarge: `file-too-large`.
        UnsupportedFormat: `unsupported-image-format`.
        TooManyDecodes: the owner decodes other large images at the moment.
        Overloaded: the server decodes other large images for too long.
    """
    check_file_size(len(data), limits)
    with translate_decoder_errors(data, limits), measure_decoding(limits.max_decode_seconds) as seconds:
        image = open_image(data, limits, seconds)
        _check_header(image, limits)
        mark_16_bits(image)
        width, height = image.size
        if signature and width * height > limits.max_exact_pixels:
            reduce_decoding(image, signature)
        if width * height <= SLOW_IMAGE_PIXELS:
            image.load()
        else:
            with limit_decodes(owner, limits.max_decodes), limit_large_images(image):
                image.load()
        # Pillow opens a PNG without its last chunk as if it were complete.
        if image.format == "PNG" and _is_truncated(data):
            raise _make_truncated_error()
        check_image_exif(image)
    image.info[FILE_KEY] = data
    return DecodedImage(image, CONTENT_TYPES[image.format or ""], width, height)


def read_pixel_count(file: IO[bytes]) -> int:
    """Return the number of pixels in the header of an image file, and 0 for any other file. Rewind the file."""
    file.seek(0)
    data = file.read()
    file.seek(0)
    try:
        with translate_decoder_errors():
            width, height = open_image(data, STORED_LIMITS).size
    except InvalidImage:
        return 0
    return int(width * height)


def mark_16_bits(image: Image.Image) -> None:
    """Record in an image that is not loaded yet that its file has 16 bits per channel. Pillow reduces colors to 8 bits."""
    raw_modes = [str(tile.args[0] if isinstance(tile.args, tuple) else tile.args) for tile in getattr(image, "tile", ())]
    if any("16" in raw_mode for raw_mode in raw_modes):
        image.info[BITS_KEY] = 16


def has_16_bits(image: Image.Image) -> bool:
    """Return whether the file of the image has 16 bits per channel."""
    return image.mode.startswith("I") or image.info.get(BITS_KEY) == 16


def get_image_file(image: Image.Image) -> bytes:
    """Return the uploaded JPEG or PNG file of a decoded image, or the image as a PNG file, which loses nothing."""
    data = image.info.get(FILE_KEY)
    if isinstance(data, bytes) and data.startswith(FILE_SIGNATURES):
        return data
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def check_file_size(size: int, limits: ImageLimits) -> None:
    """Check the size in bytes, before the file is read.

    Raises:
        InvalidImage: `empty-file`.
        ImageTooLarge: `file-too-large`.
    """
    if size == 0:
        raise InvalidImage("The file is empty. Send a JPEG, PNG, or WebP image.", code="empty-file")
    if size > limits.max_bytes:
        received, limit = format_bytes(size, round_up=True), format_bytes(limits.max_bytes)
        raise ImageTooLarge(f"The file is too large ({received}). The limit is {limit}.")


@contextmanager
def translate_decoder_errors(data: bytes = b"", limits: ImageLimits = ImageLimits()) -> Iterator[None]:
    """Raise `InvalidImage` instead of any exception of a decoder."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _make_pixels_error(limits) from error
    except DECODER_ERRORS as error:
        if _is_truncated(data) or "truncated" in str(error):
            raise _make_truncated_error() from error
        raise InvalidImage("The image is damaged and cannot be decoded.") from error


def open_image(data: bytes, limits: ImageLimits = ImageLimits(), seconds: float | None = None) -> Image.Image:
    """Read the header of an image. Reading the rest of it fails after some seconds of CPU time of this thread.

    Raises:
        InvalidImage: `too-complex`, `too-many-pixels`, `animated-image`, or the file is not an image.
        UnsupportedFormat: `unsupported-image-format`.
    """
    check_complexity(data)
    if size := read_webp_size(data):  # the decoder allocates memory when it opens the file
        _check_size(*size, limits)
    try:
        file = open_timed(data, limits.max_decode_seconds if seconds is None else seconds)
        image = Image.open(file, formats=DECODERS)
    except UnidentifiedImageError as error:
        if _is_truncated(data):
            raise _make_truncated_error() from error
        if name := detect_unsupported_format(data):
            raise UnsupportedFormat(f"{name} images are not supported. Send a JPEG, PNG, or WebP image.") from error
        if name := _detect_format(data):
            raise InvalidImage(
                f"The {name} file is damaged, or is a rare variant of the format. "
                "Open it in an image editor, and save it again."
            ) from error
        raise InvalidImage("The file is not an image. Send a JPEG, PNG, or WebP image.") from error
    if image.width * image.height > SLOW_IMAGE_PIXELS and (image.format == "PNG" or "progressive" in image.info):
        image.decodermaxblock = READ_BLOCK_BYTES
    return image


def _detect_format(data: bytes) -> str:
    """Return `JPEG`, `PNG`, or `WebP` according to the first bytes of a file, or an empty string."""
    if data.startswith(FILE_SIGNATURES):
        return "JPEG" if data.startswith(FILE_SIGNATURES[0]) else "PNG"
    return "WebP" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else ""


def _is_truncated(data: bytes) -> bool:
    """Return whether the end of a JPEG, PNG, or WebP file is missing."""
    name = _detect_format(data)
    if name in ENDS:
        return ENDS[name] not in data
    return data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    width, height = image.size
    _check_size(width, height, limits)
    if min(width, height) < limits.min_side:
        raise InvalidImage(
            f"The image is too small ({width} × {height} pixels). "
            f"The minimum is {limits.min_side} × {limits.min_side} pixels.",
            code="too-small",
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise make_animation_error()


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise _make_pixels_error(limits, f" ({width:,} × {height:,} pixels)")


def _make_truncated_error() -> InvalidImage:
    return InvalidImage("The image is incomplete: the end of the file is missing. Send it again.", code="truncated-image")


def _make_pixels_error(limits: ImageLimits, received: str = "") -> InvalidImage:
    return InvalidImage(
        f"The image has too many pixels{received}. The limit is {limits.max_pixels / 1_000_000:,.10g} megapixels "
        f"and {limits.max_side:,} pixels per side.",
        code="too-many-pixels",
    )
