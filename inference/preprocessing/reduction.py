"""Decode large JPEG images at a half, a quarter, or an eighth of their size, if the model takes much smaller ones.

A JPEG decoder can compute the mean of each block of pixels without computing the pixels. A photo of 12 megapixels for a
model that takes 224 x 224 pixels then costs 28 ms of CPU instead of 160 ms, and the decoded image takes 0.6 MB of memory
instead of 36 MB.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil

from PIL import ExifTags, Image, JpegImagePlugin

from inference.preprocessing.decoder_errors import DECODER_ERRORS
from inference.preprocessing.ink import SEARCH_SIDE_PIXELS
from inference.preprocessing.target_size import Box, Size, get_resized_size
from inference.signature import ImageInput

FACTORS = (8, 4, 2)  # of the JPEG decoder, largest first
# The smallest ratio of the sides of the reduced image to those of the resized one. A ratio of 2 gives a third of the
# differences in docs/images.md, but costs 40 ms instead of 28 for 12 megapixels and a model of 224 x 224 pixels.
MIN_REMAINING_RATIO = 1.6
REDUCTION_KEY = "reduction"  # in `Image.info`
TRANSPOSED_ORIENTATIONS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


@dataclass(frozen=True, slots=True)
class Reduction:
    """How an image was reduced when it was decoded.

    Args:
        factor: the number of pixels, per axis, that became one.
        size: width and height before the reduction, upright.
        left, top: where the image begins in the upright reduced one. The last block of a row or column of blocks can be
            incomplete, and is the first one if the image is rotated.
    """

    factor: int
    size: Size
    left: float = 0.0
    top: float = 0.0

    def scale_box(self, box: Box | None = None) -> Box:
        """Return a part of the upright image, or all of it, in pixels of the reduced one."""
        left, top, right, bottom = box or (0, 0, *self.size)
        return Box(
            self.left + left / self.factor,
            self.top + top / self.factor,
            self.left + right / self.factor,
            self.top + bottom / self.factor,
        )


def get_reduction(image: Image.Image, size: Size) -> Reduction:
    """Return how an image of this upright size was reduced when it was decoded; a factor of 1 if it was not."""
    reduction = image.info.get(REDUCTION_KEY)
    return reduction if isinstance(reduction, Reduction) else Reduction(1, size)


def reduce_decoding(image: Image.Image, signature: ImageInput) -> None:
    """Set the size at which an opened image is decoded to the smallest one that hardly changes the input of the model.

    Images that are not JPEG, and those for models that read single pixels (without antialiasing), keep their size. For a
    grayscale model, the colors are not decoded, because a JPEG stores the brightness separately.
    """
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or not _averages_pixels(signature):
        return
    orientation = _read_orientation(image)
    width, height = image.size
    size = (height, width) if orientation in TRANSPOSED_ORIENTATIONS else (width, height)
    if signature.autocrop:  # the ink is searched in a larger image
        ratio = max(size) / SEARCH_SIDE_PIXELS * MIN_REMAINING_RATIO
    else:
        ratio = min(side / target for side, target in zip(size, get_resized_size(size, signature), strict=True))
    factor = next((factor for factor in FACTORS if ratio / factor >= MIN_REMAINING_RATIO), 1)
    if factor == 1:
        return
    takes_gray = signature.channels == 1 and not signature.color and image.mode == "RGB"
    image.draft("L" if takes_gray else image.mode, (width // factor, height // factor))
    right, bottom = ceil(width / factor) - width / factor, ceil(height / factor) - height / factor
    left, top = {
        2: (right, 0.0), 3: (right, bottom), 4: (0.0, bottom), 6: (bottom, 0.0), 7: (bottom, right), 8: (0.0, right)
    }.get(orientation, (0.0, 0.0))  # fmt: skip
    image.info[REDUCTION_KEY] = Reduction(factor, size, left, top)


def _averages_pixels(signature: ImageInput) -> bool:
    return (
        signature.antialias
        and signature.interpolation != "nearest"
        and signature.resize != "none"
        and not signature.encoding
        and signature.decoding != "full"
    )


def _read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, or 1 if the EXIF data is unreadable, as `apply_orientation` treats it."""
    with suppress(*DECODER_ERRORS):
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        return orientation if orientation in range(1, 9) else 1
    return 1
