"""The input of a model that takes an image."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from inference.errors import InvalidSignature
from inference.signature.base import SignaturePart, check_choice
from inference.signature.feature import Feature

SCALES = ("unit", "symmetric", "standard", "none")
RESIZES = ("stretch", "crop")
LAYOUTS = ("channels-last", "channels-first")


@dataclass(frozen=True, slots=True)
class ImageInput(SignaturePart):
    """An image of `height` x `width` pixels with 1 (grayscale) or 3 (RGB) channels.

    Args:
        scale: how the 8-bit values x are scaled: `unit` x / 255, `symmetric` x / 127.5 - 1, `standard`
            (x / 255 - mean) / std per channel, `none` x.
        mean, std: one number per channel, only for `standard`.
        resize: `stretch` to the size, or `crop` to the aspect ratio around the center first.
        layout: the axes of the model's input array: `channels-last` (height, width, channels) or `channels-first`.
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
    resize: str = "stretch"
    layout: str = "channels-last"

    def __post_init__(self) -> None:
        if not all(isinstance(side, int) and 1 <= side <= 4096 for side in (self.height, self.width)):
            raise InvalidSignature(f"Expected height and width of 1 to 4096 pixels. Received: {self.height} x {self.width}")
        if self.channels not in (1, 3):
            raise InvalidSignature(f"Expected 1 (grayscale) or 3 (RGB) channels. Received: {self.channels}")
        check_choice("scale", self.scale, SCALES)
        check_choice("resize", self.resize, RESIZES)
        check_choice("layout", self.layout, LAYOUTS)
        if not all(isinstance(number, int | float) and isfinite(number) for number in (*self.mean, *self.std)):
            raise InvalidSignature(f"Expected numbers in mean and std. Received: mean={self.mean}, std={self.std}")
        count = self.channels if self.scale == "standard" else 0
        if len(self.mean) != count or len(self.std) != count or 0 in self.std:
            raise InvalidSignature(
                f"Expected {count} numbers in mean and in std (none of them 0) for scale {self.scale!r}. "
                f"Received: mean={list(self.mean)}, std={list(self.std)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (height, width, channels), regardless of the layout."""
        return (self.height, self.width, self.channels)
