"""What a model that takes images takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from inference.errors import InvalidSignature
from inference.signature.part import Part, check_choice

SCALES = ("unit", "symmetric", "standard", "none")
RESIZES = ("stretch", "crop")
LAYOUTS = ("channels-last", "channels-first")


@dataclass(frozen=True, slots=True)
class ImageInput(Part):
    """An image of `height` x `width` pixels with 1 (grey) or 3 (RGB) channels.

    Args:
        scale: what happens to the 8-bit values x: `unit` x / 255, `symmetric` x / 127.5 - 1, `standard`
            (x / 255 - mean) / std per channel, `none` x.
        mean, std: one number per channel, for `standard` only.
        resize: `stretch` to the size, or `crop` the centre of the same aspect ratio first.
        layout: of the array that the model takes: `channels-last` (height, width, channels) or `channels-first`.
    """

    kind: ClassVar[str] = "image"
    section: ClassVar[str] = "input"
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
            raise InvalidSignature(f"Expected 1 (grey) or 3 (RGB) channels. Received: {self.channels}")
        check_choice("scale", self.scale, SCALES)
        check_choice("resize", self.resize, RESIZES)
        check_choice("layout", self.layout, LAYOUTS)
        if not all(isinstance(number, int | float) and isfinite(number) for number in (*self.mean, *self.std)):
            raise InvalidSignature(f"Expected numbers in mean and std. Received: mean={self.mean}, std={self.std}")
        wanted = self.channels if self.scale == "standard" else 0
        if len(self.mean) != wanted or len(self.std) != wanted or 0 in self.std:
            raise InvalidSignature(
                f"Expected {wanted} numbers in mean and in std (none of them 0) for scale {self.scale!r}. "
                f"Received: mean={list(self.mean)}, std={list(self.std)}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels, whatever the layout."""
        return (self.height, self.width, self.channels)
