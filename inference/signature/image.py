"""The input of a model that takes an image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

from inference.errors import InvalidSignature
from inference.signature.base import SignaturePart, check_choice
from inference.signature.feature import Feature

SCALES = ("unit", "symmetric", "standard", "none", "stored")
RESIZES = ("stretch", "crop", "pad", "none")
SIZED_RESIZES = ("stretch", "crop", "pad")  # which produce the size of the model
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos", "box", "hamming")
ALIASED_INTERPOLATIONS = ("bilinear", "nearest")  # available with antialias = false
ENCODINGS = ("", "file")
DECODINGS = ("", "full")
ORDERS = ("rgb", "bgr")
LAYOUTS = ("channels-last", "channels-first")
BACKGROUNDS = ("white", "black", "none")
COLORS = ("", "srgb")
AUTOCROPS = ("", "ink")
MAX_SIDE_PIXELS = 4096
MAX_BITS = 16
HEX_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class ImageInput(SignaturePart):
    """An image of `height` x `width` pixels with 1 (grayscale) or 3 (RGB) channels.

    Args:
        scale: how the 8-bit values x are scaled: `unit` x / 255, `symmetric` x / 127.5 - 1, `standard`
            (x / 255 - mean) / std per channel, `none` x, or (x - mean) / std if mean is set, `stored` the values in the
            file, from 0 to 2^bits - 1.
        mean, std: one number per channel, in the order of the model. Required for `standard`. For `none`, mean is optional
            and in units of 0 to 255, and so is std, which requires mean.
        resize: `stretch` to the size, `crop` to the aspect ratio around the center first, `pad` to the aspect ratio with
            black, `none`, an integer (the length of the shorter side, as torchvision's `Resize`), or height and width.
        encoding: empty for a model that takes pixels, or `file` for one that decodes JPEG and PNG files itself. It has
            a height and width of 0, and receives the uploaded file unchanged.
        layout: the axes of the model's input array: `channels-last` (height, width, channels) or `channels-first`.
        order: the order of the channels: `rgb` or `bgr`.
        crop: crop the center to this size after `resize`, as torchvision's `CenterCrop`: a side, or height and width. A
            smaller image is padded with black.
        interpolation: a filter of Pillow.
        antialias: as Pillow does. False: as `tf.image.resize`, which reads only the nearest pixels.
        bits: how many low bits of a 16-bit image have values: x is then 255 * value / (2^bits - 1), not rounded. Without
            it, 16-bit images are reduced to their high 8 bits.
        background: color behind transparent pixels: `white`, `black`, `#rrggbb`, or `none` to ignore the transparency.
        color: `srgb` converts an embedded color profile to sRGB.
        decoding: `full` decodes a large JPEG at its full size before it is resized. By default, it is reduced while it
            is decoded.
        autocrop: `ink` finds the ink of one digit in a photo, and scales it as in MNIST. An image of the size of the model
            is unchanged.
        drawing: the predict page has a drawing pad.
    """

    kind: ClassVar[str] = "image"
    section: ClassVar[str] = "input"
    parts: ClassVar[tuple[str, ...]] = ("image",)
    features: ClassVar[tuple[Feature, ...]] = ()
    height: int
    width: int
    channels: int = 3
    scale: str = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: str | int | tuple[int, ...] = "stretch"
    layout: str = "channels-last"
    order: str = "rgb"
    crop: int | tuple[int, ...] | None = None
    interpolation: str = "bilinear"
    antialias: bool = True
    bits: int | None = None
    background: str = "white"
    color: str = ""
    encoding: str = ""
    decoding: str = ""
    autocrop: str = ""
    drawing: bool | None = None

    def __post_init__(self) -> None:
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("decoding", self.decoding, DECODINGS)
        is_sized = not self.encoding or self.height or self.width
        if is_sized and not _is_size((self.height, self.width)):
            raise InvalidSignature(
                f"Expected height and width of 1 to {MAX_SIDE_PIXELS} pixels. Received: {self.height} x {self.width}"
            )
        if self.channels not in (1, 3):
            raise InvalidSignature(
                f"Expected 1 (grayscale) or 3 (RGB) channels. Received: {self.channels}. If it takes other numbers, "
                'set kind = "tabular" in [input]: each number is then a feature.'
            )
        check_choice("scale", self.scale, SCALES)
        check_choice("layout", self.layout, LAYOUTS)
        check_choice("order", self.order, ORDERS)
        check_choice("color", self.color, COLORS)
        if not isinstance(self.antialias, bool):
            raise InvalidSignature(f"Expected antialias to be true or false. Received: {self.antialias!r}")
        check_choice("interpolation", self.interpolation, INTERPOLATIONS if self.antialias else ALIASED_INTERPOLATIONS)
        if self.order == "bgr" and self.channels != 3:
            raise InvalidSignature(f'Expected 3 channels for order "bgr". Received: {self.channels}')
        self._check_resize()
        self._check_normalization()
        self._check_values()
        self._check_autocrop()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (height, width, channels), regardless of the layout."""
        return (self.height, self.width, self.channels)

    def _check_resize(self) -> None:
        """Check that resizing and cropping produce the size of the model."""
        if isinstance(self.resize, str):
            check_choice("resize", self.resize, RESIZES)
        elif not _is_size(to_size(self.resize)):
            raise InvalidSignature(
                f'Expected resize to be "stretch", "crop", "pad", "none", the shorter side, or [height, width]. '
                f"Received: {self.resize!r}"
            )
        if self.crop is None:
            if self.resize not in (*SIZED_RESIZES, (self.height, self.width)):
                raise InvalidSignature(
                    f"Expected crop with resize = {_format_value(self.resize)}, for the part that the model receives: "
                    f"crop = {_format_value((self.height, self.width))}."
                )
        elif self.resize in SIZED_RESIZES:
            raise InvalidSignature(
                'Expected resize with crop: the length of the shorter side, [height, width], or "none" for the original '
                f'size. Received: "{self.resize}"'
            )
        elif to_size(self.crop) != (self.height, self.width):
            raise InvalidSignature(
                f"crop = {_format_value(self.crop)} does not produce the size that the model takes, "
                f"{self.height} x {self.width}. Set resize and crop as in the training code; they override a preset."
            )

    def _check_normalization(self) -> None:
        if not all(isinstance(number, int | float) and isfinite(number) for number in (*self.mean, *self.std)):
            raise InvalidSignature(f"Expected numbers in mean and std. Received: mean={self.mean}, std={self.std}")
        count, received = self.channels, (len(self.mean), len(self.std))
        allowed = {"standard": [(count, count)], "none": [(0, 0), (count, 0), (count, count)]}.get(self.scale, [(0, 0)])
        if received not in allowed or 0 in self.std:
            numbers = {
                "standard": f"{count} numbers in mean and in std (none of them 0)",
                "none": f"{count} numbers in mean, and in std (none of them 0), or neither of them,",
            }.get(self.scale, "no mean and no std")
            raise InvalidSignature(
                f"Expected {numbers} for scale {self.scale!r}. Received: mean={list(self.mean)}, std={list(self.std)}"
            )

    def _check_values(self) -> None:
        if self.bits is not None and (type(self.bits) is not int or not 1 <= self.bits <= MAX_BITS):
            raise InvalidSignature(f"Expected bits of 1 to {MAX_BITS}. Received: {self.bits!r}")
        if self.scale == "stored" and self.bits is None:
            raise InvalidSignature('Expected bits for scale "stored": the number of bits of the values in the files.')
        if self.background not in BACKGROUNDS and not HEX_COLOR.fullmatch(str(self.background)):
            raise InvalidSignature(
                f'Expected background to be {", ".join(BACKGROUNDS)}, or a color such as "#808080". '
                f"Received: {self.background!r}"
            )

    def _check_autocrop(self) -> None:
        check_choice("autocrop", self.autocrop, AUTOCROPS)
        if self.drawing not in (None, True, False):
            raise InvalidSignature(f"Expected drawing to be true or false. Received: {self.drawing!r}")
        if self.autocrop and (self.channels != 1 or self.height != self.width or self.encoding or self.bits):
            raise InvalidSignature(
                'autocrop = "ink" needs a square grayscale input (channels = 1, height = width), without encoding and bits.'
            )


def to_size(value: Any) -> tuple[Any, ...]:
    """Return the value of `crop` or `resize` as (height, width)."""
    return value if isinstance(value, tuple) else (value, value)


def _is_size(sides: tuple[Any, ...]) -> bool:
    return len(sides) == 2 and all(type(side) is int and 1 <= side <= MAX_SIDE_PIXELS for side in sides)


def _format_value(value: Any) -> str:
    """Return a value as in TOML, with a single number for equal sides."""
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value)
