"""Find the ink of a digit on a uniform background: a drawing, a scan with pure white paper, or an enlarged sample."""

from __future__ import annotations

import numpy as np
from PIL import Image

from inference.preprocessing.ink_contrast import measure_contrast
from inference.preprocessing.ink_drawing import MIN_STROKE_SHARE, center_ink, widen_strokes
from inference.preprocessing.rules import find_rules
from inference.types import AnyArray, Array

BORDER_SHARE = 0.02  # of the shorter side: width of the border that shows the background
MAX_DIFFERENCE = 4  # of a pixel of the background to its median, in levels of 0 to 255; photos have more noise
MIN_BORDER_SHARE = 0.98  # of the border that is background; the rules of lined paper cross it
MIN_CUT_BORDER_SHARE = 0.5  # of the border, if the image is cut close to the digit
MAX_SOFT_SHARE = 0.1  # of the border, between background and ink; shadows have more
MIN_BACKGROUND_SHARE = 0.4  # of the image
MIN_INK_CONTRAST = 24  # levels
INK_PERCENTILE = 99
MIN_PART_SHARE = 0.02  # of the ink of the largest part; less is a speck
MAX_STROKE_RADIUS = 0.2  # of the longer side of the ink
MIN_SHEET_SHARE = 0.25  # of the image
FRAMED_SHARE = 20 / 28  # of an image in MNIST that the digit fills
MAX_FRAME_DIFFERENCE = 0.04  # of the size and the center of a digit that is framed as in MNIST, as a share of the side


def draw_ink_on_uniform_background(image: Image.Image, side: int) -> Array | None:
    """Return the ink as float32 `(side, side, 1)`, white (255) on black, or None if the background is not uniform.

    Such an image has no shadow, no table, and no rules, so all that differs from the background is ink. The width of
    the strokes and the softness of their edges do not matter.

    Args:
        image: in the mode `L`.
    """
    pixels = np.asarray(image).astype(np.int16)
    border = max(1, round(min(pixels.shape) * BORDER_SHARE))
    edge = np.concatenate([
        part.ravel() for part in (pixels[:border], pixels[-border:], pixels[:, :border], pixels[:, -border:])
    ])  # fmt: skip
    background = int(np.median(edge))
    difference = np.abs(pixels - background)
    is_ink = difference > MAX_DIFFERENCE
    if not is_ink.any() or is_ink.mean() > 1 - MIN_BACKGROUND_SHARE:
        return None
    dark = float(np.percentile(difference[is_ink], INK_PERCENTILE))
    corners = difference[[0, 0, -1, -1], [0, -1, 0, -1]]
    if dark < MIN_INK_CONTRAST or not _is_uniform(np.abs(edge - background), corners, dark, image):
        return None
    ink = (_remove_specks(difference, difference > dark / 4) * (255 / dark)).clip(0, 255).astype(np.uint8)
    if _is_framed(ink):
        return np.asarray(Image.fromarray(ink).resize((side, side), Image.Resampling.BOX), np.float32)[..., None]
    if _is_sheet(ink[::4, ::4] > 127):
        return None
    drawn = Image.fromarray(np.pad(ink, max(ink.shape) // 8))
    return center_ink(widen_strokes(drawn, MIN_STROKE_SHARE), side)


def _is_uniform(difference: AnyArray, corners: AnyArray, dark: float, image: Image.Image) -> bool:
    """Return whether the border shows the background only, or also ink that a tight crop cuts, but no rules.

    Args:
        difference: of the pixels of the border to the background.
        corners: the same of the corners. They are dark around paper that was turned.
        dark: the difference of the ink.
    """
    share = float((difference <= MAX_DIFFERENCE).mean())
    if share >= MIN_BORDER_SHARE:
        return True
    is_between = (difference > MAX_DIFFERENCE) & (difference < dark / 2)
    if share < MIN_CUT_BORDER_SHARE or is_between.mean() > MAX_SOFT_SHARE or (corners > dark / 2).all():
        return False
    contrast = measure_contrast(image, max(9, min(image.size) // 10) | 1)
    return not any(len(find_rules(contrast, is_vertical=is_vertical)) for is_vertical in (False, True))


def _is_sheet(inside: AnyArray) -> bool:
    """Return whether what differs from the background is a sheet of paper on a table, which is wider than strokes."""
    from scipy.ndimage import distance_transform_edt

    if inside.mean() < MIN_SHEET_SHARE:
        return False
    longer = max(np.ptp(np.flatnonzero(inside.any(axis=axis))) + 1 for axis in (0, 1))
    return bool(distance_transform_edt(inside).max() > MAX_STROKE_RADIUS * longer)


def _is_framed(ink: AnyArray) -> bool:
    """Return whether the ink has the size and place of a digit in MNIST already, as in an enlarged sample."""
    height, width = ink.shape
    if height != width:
        return False
    rows, columns = (np.flatnonzero((ink > 127).any(axis=axis)) for axis in (1, 0))
    share = max(np.ptp(rows), np.ptp(columns)) / height
    total = float(ink.sum())
    shift = [float((ink.sum(axis=axis) * (np.arange(height) + 0.5)).sum()) / total / height - 0.5 for axis in (1, 0)]
    return bool(abs(share - FRAMED_SHARE) < MAX_FRAME_DIFFERENCE and max(map(abs, shift)) < MAX_FRAME_DIFFERENCE)


def _remove_specks(difference: AnyArray, is_dark: AnyArray) -> AnyArray:
    """Return the difference without parts that have little ink."""
    from scipy.ndimage import binary_dilation, label

    labels, _ = label(is_dark, np.ones((3, 3)))
    masses = np.bincount(labels.ravel(), difference.ravel())
    masses[0] = 0
    keep = masses >= masses.max() * MIN_PART_SHARE
    keep[0] = False
    soft_pixels = max(1, max(difference.shape) // 28)  # an edge of an enlarged sample is as wide as one of its pixels
    return np.where(binary_dilation(keep[labels], iterations=soft_pixels), difference, 0)
