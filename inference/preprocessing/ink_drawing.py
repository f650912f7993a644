"""Draw the ink of a digit as in MNIST: upright, with strokes of normal width, centered by mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from inference.preprocessing.ink_contrast import Contrast, Mask
from inference.types import Array

BOX_SHARE = 19 / 28  # of the model input that the digit fills: 20/28 in MNIST, but 19/28 is more accurate for other digits
MIN_STROKE_SHARE = 0.1  # of the longer side of the digit; strokes in MNIST have 2 to 3 of 20 pixels


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of one digit.

    Args:
        mask: its pixels.
        contrast: of the whole image.
        mass: sum of the contrast of its pixels, weighted by where it is.
        tilt: of the rules, in degrees clockwise; 0 without rules.
    """

    mask: Mask
    contrast: Contrast
    mass: float
    tilt: float = 0.0


def draw_ink(ink: Ink, side: int) -> Array:
    """Return the ink, upright and with strokes of normal width, in the center of the model input."""
    from scipy.ndimage import binary_dilation

    dark = float(np.percentile(ink.contrast.values[ink.mask], 80))
    rows, columns = np.flatnonzero(ink.mask.any(axis=1)), np.flatnonzero(ink.mask.any(axis=0))
    border = max(int(np.ptp(rows)), int(np.ptp(columns))) // 6 + 3
    part = np.zeros((rows[-1] - rows[0] + 1 + 2 * border, columns[-1] - columns[0] + 1 + 2 * border), np.float32)
    inner = np.s_[border:-border, border:-border]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part[inner] = np.where(
        binary_dilation(ink.mask[box]), ((ink.contrast.values[box] - 0.25 * dark) / (0.4 * dark)).clip(0, 1), 0
    )
    drawn = Image.fromarray((part * 255).astype(np.uint8))
    if abs(ink.tilt) > 1:
        drawn = drawn.rotate(ink.tilt, Image.Resampling.BICUBIC, expand=True)
    return center_ink(widen_strokes(drawn, MIN_STROKE_SHARE), side)


def widen_strokes(drawn: Image.Image, min_share: float) -> Image.Image:
    """Return strokes that are at least as wide as a share of the longer side of the digit."""
    from scipy.ndimage import distance_transform_edt

    stroke = np.asarray(drawn) > 127
    if not stroke.any():
        return drawn
    longer = max(np.ptp(np.flatnonzero(stroke.any(axis=axis))) + 1 for axis in (0, 1))
    width = 4 * float(distance_transform_edt(stroke)[stroke].mean()) - 1
    growth = (min_share * longer - width) / 2
    if growth <= 0:
        return drawn
    pixels = (growth + 0.5 - distance_transform_edt(~stroke)).clip(0, 1) * 255
    return Image.fromarray(np.maximum(pixels, np.asarray(drawn)).astype(np.uint8))


def center_ink(drawn: Image.Image, side: int) -> Array:
    """Return the ink as float32 `(side, side, 1)`, scaled into the box, with its center of mass in the center."""
    values = np.asarray(drawn)
    if not (values > 127).any():
        return np.zeros((side, side, 1), np.float32)
    rows, columns = np.flatnonzero((values > 127).any(axis=1)), np.flatnonzero((values > 127).any(axis=0))
    cut = drawn.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    scale = round(side * BOX_SHARE) / max(cut.size)
    small = np.asarray(
        cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.BOX), np.float32
    )
    small = small * (255 / max(1.0, float(small.max())))
    result = np.zeros((side, side, 1), np.float32)
    height, width = small.shape
    total = float(small.sum())
    top = round((side - 1) / 2 - float((small.sum(axis=1) * np.arange(height)).sum()) / total)
    left = round((side - 1) / 2 - float((small.sum(axis=0) * np.arange(width)).sum()) / total)
    top, left = min(max(0, top), side - height), min(max(0, left), side - width)
    result[top : top + height, left : left + width, 0] = small
    return result
