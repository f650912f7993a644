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
ORDERS = ("rgb", "bgr")
LAYOUTS = ("channels-last", "channels-first")


@dataclass(frozen=True, slots=True)
class ImageInput(SignaturePart):
    """An image of `height` x `width` pixels with 1 (grayscale) or 3 (RGB) channels.

    Args:
        scale: how the 8-bit values x are scaled: `unit` x / 255, `symmetric` x / 127.5 - 1, `standard`
            (x / 255 - mean) / std per channel, `none` x, or (x - mean) / std if mean is set.
        mean, std: one number per channel, in the order of the model. Required for `standard`. For `none`, mean is optional
            and in units of 0 to 255, and so is std, which requires mean.
        order: the order of the channels: `rgb` or `bgr`.
        resize: `stretch` to the size, or `crop` to the aspect ratio around the center first.
        layout: the axes of the model's input array: `channels-last` (height, width, channels) or `channels-first`.
    """

    kind: ClassVar[str] = "image"
    section: ClassVar[str] = "input"
    features: ClassVar[tuple[Feature, ...]] = ()
    height: int
    width: int
    channels: int = 3
    scale: str = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: str = "stretch"
    layout: str = "channels-last"
    order: str = "rgb"

    def __post_init__(self) -> None:
        if not all(isinstance(side, int) and 1 <= side <= 4096 for side in (self.height, self.width)):
            raise InvalidSignature(f"Expected height and width of 1 to 4096 pixels. Received: {self.height} x {self.width}")
        if self.channels not in (1, 3):
            raise InvalidSignature(f"Expected 1 (grayscale) or 3 (RGB) channels. Received: {self.channels}")
        check_choice("scale", self.scale, SCALES)
        check_choice("resize", self.resize, RESIZES)
        check_choice("layout", self.layout, LAYOUTS)
        check_choice("order", self.order, ORDERS)
        if self.order == "bgr" and self.channels != 3:
            raise InvalidSignature(f'Expected 3 channels for order "bgr". Received: {self.channels}')
        self._check_normalization()

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

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (height, width, channels), regardless of the layout."""
        return (self.height, self.width, self.channels)
