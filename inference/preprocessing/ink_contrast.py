"""Measure the contrast of ink against the paper around it, in uneven light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from inference.types import Array

Gray = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BLUR_PIXELS = 0.8
MIN_CONTRAST = 0.04  # of the brightness of the paper
MIN_NOISE_RATIO = 4.5  # of the contrast of ink to the standard deviation of the paper
TABLE_RATIO = 1.35  # of the brightness of the paper to that of a table
SAMPLE_BLOCK = 16  # pixels of the side of a part of the paper
SMOOTH_PERCENTILE = 40  # of the parts


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrast of each pixel: the share of the light of the paper that is missing.

    Args:
        values: 0 for the paper, up to 1 for black ink.
        background: the brightness of the paper without ink, 0 to 255.
        threshold: contrast above the noise of the paper.
        table_level: the brightness between a darker table and the paper; 0 without a table.
    """

    values: Array
    background: Gray
    threshold: float
    table_level: float = 0.0

    @property
    def paper(self) -> Mask:
        """Return the pixels that are not on the table."""
        return self.background >= self.table_level

    @property
    def mask(self) -> Mask:
        return self.values > self.threshold


def measure_contrast(image: Image.Image, stroke_pixels: int) -> Contrast:
    """Return the contrast of dark strokes that are narrower than `stroke_pixels`.

    The paper under a stroke is as bright as around it: a morphological closing removes narrow dark parts, and leaves
    wide ones such as shadows and a table, with their edges.
    """
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    smooth = np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR_PIXELS)))
    small = np.asarray(image.reduce(2))
    for filter1d, size in ((maximum_filter1d, stroke_pixels // 2 | 1), (minimum_filter1d, (stroke_pixels // 2 | 1) + 2)):
        for axis in (0, 1):
            small = filter1d(small, size, axis=axis, mode="reflect")
    background = np.asarray(Image.fromarray(small).resize(image.size, Image.Resampling.BILINEAR))
    values = 1 - (smooth.astype(np.float32) + 1) / (background.astype(np.float32) + 1)
    level = _find_table_level(background)
    return Contrast(values, background, _measure_threshold(values, background >= level), level)


def _measure_threshold(values: Array, paper: Mask) -> float:
    """Return the contrast above the noise of the paper. Most blocks of the paper are smooth, unlike those of a table."""
    height, width = (side // SAMPLE_BLOCK * SAMPLE_BLOCK for side in values.shape)
    blocks, is_paper = (
        part[:height:2, :width:2]
        .reshape(height // SAMPLE_BLOCK, SAMPLE_BLOCK // 2, width // SAMPLE_BLOCK, SAMPLE_BLOCK // 2)
        .swapaxes(1, 2)
        .reshape(-1, (SAMPLE_BLOCK // 2) ** 2)
        for part in (values, paper)
    )
    inside = is_paper.all(axis=1)
    chosen = blocks[inside] if inside.any() else blocks
    places = [round(share * chosen.shape[1]) for share in (0.16, 0.5)]  # one standard deviation of a normal distribution
    low, middle = np.partition(chosen, places, axis=1)[:, places].T
    return float(np.percentile(np.maximum(MIN_CONTRAST, middle) + MIN_NOISE_RATIO * (middle - low), SMOOTH_PERCENTILE))


def _find_table_level(background: Gray) -> float:
    """Return the brightness between a darker table and the paper (Otsu's method), or 0 if there is no clear difference."""
    counts = np.bincount(background[::4, ::4].ravel(), minlength=256).astype(np.float64)
    levels = np.arange(256)
    below, moment = np.cumsum(counts), np.cumsum(counts * levels)
    total, mean = below[-1], moment[-1] / below[-1]
    share = below / total
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.nan_to_num((mean * share - moment / total) ** 2 / (share * (1 - share)))
        level = int(np.argmax(variance))
        dark, bright = moment[level] / below[level], (moment[-1] - moment[level]) / (total - below[level])
    return level + 1.0 if bright > TABLE_RATIO * dark else 0.0
