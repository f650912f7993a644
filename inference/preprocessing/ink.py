"""Find the ink of one digit in a photo, and scale it as in MNIST.

The digit can be small, tilted, in uneven light, in pen or pencil, on lined or squared paper with a table around it, or
light on a dark board. The steps depend on the pixels only, so the same image always has the same result.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from inference.preprocessing.ink_contrast import SAMPLE_BLOCK, Contrast, Mask, measure_contrast
from inference.preprocessing.ink_drawing import Ink, draw_ink
from inference.preprocessing.ink_uniform import draw_ink_on_uniform_background
from inference.preprocessing.rules import find_rules, measure_angle, remove_rules
from inference.types import AnyArray, Array

SEARCH_SIDE_PIXELS = 800  # of the longer side of the image in which the ink is searched
MIN_SIDE_PIXELS = 320  # smaller images are enlarged
MIN_SHORTER_SIDE_PIXELS = 2 * SAMPLE_BLOCK  # a narrower strip has no block of paper to compare with at half of its size
NARROW_STROKE_SHARE, WIDE_STROKE_SHARE = 0.1, 0.25  # of the shorter side of the image
MIN_WIDE_RATIO = 0.75  # of the contrast of wide strokes to that of narrow ones: shadows have less
MIN_GROWTH, MIN_OTHER_GROWTH = 1.12, 1.3  # of the ink of wide strokes to that of narrow ones, inside the same ink and not
MIN_COVERED_SHARE = 0.95  # of narrow strokes that lie inside wide ones
MIN_DIGIT_SHARE = 0.02  # height of the smallest digit, as a share of the longer side of the image
DARK_LEVEL = 80  # of the center of a dark board; paper in shadow is brighter
TABLE_WEIGHT, EDGE_WEIGHT = 0.15, 0.002  # of ink next to the paper, and of ink that the edge of the image cuts
MAX_TABLE_SHARE = 0.2  # of a part on the paper
MIN_JOINED_WEIGHT = 0.3  # of a part next to the largest: a table is no part of the digit
CLEAR_SHARE, DARK_PERCENTILE = 0.35, 97  # of the contrast of ink to that of a shadow that it touches
MIN_FAINT_RATIO = 2.0  # of faint ink to dark ink
MIN_SHARPNESS = 0.5  # of the edge of ink, as a share of its contrast; shadows have less
EDGE_PIXELS = 2  # half of the width of an edge of ink
EDGE_STROKE_SHARE = 0.35  # of a wide stroke, which can have softer edges, as in an enlarged sample
DARK_CONTRAST = 0.6  # of ink with such edges; shadows have less
SOFT_WEIGHT = 0.03  # of fainter parts with such edges: ink only if there is no other
MAX_MEASURED_PARTS = 24
CLUTTER_WEIGHT = 0.05  # of a part among others, such as the grain of a table
MAX_CLUTTER = 0.2  # share of other parts in the area around a part
MIN_PART_SHARE = 0.03  # of the ink of the largest part, for another part of the same digit
MAX_GAP_SHARE = 0.25  # between parts of a digit, as a share of its longer side
MIN_PART_CONTRAST = 0.45  # of the contrast of the largest part


def crop_ink(image: Image.Image, side: int) -> Array | None:
    """Return the ink of one digit as float32 `(side, side, 1)`, white (255) on black, or None if there is no ink.

    The digit fits in a box of 19/28 of the side, and its center of mass is in the center, as in MNIST.

    Args:
        image: in the mode `L`.
    """
    searched = _resize(image)
    uniform = draw_ink_on_uniform_background(searched, side)
    if uniform is not None:
        return uniform
    if min(searched.size) < MIN_SHORTER_SIDE_PIXELS:
        return None
    if _is_dark(searched):
        searched = Image.fromarray(255 - np.asarray(searched))
    enlargement = max(1.0, max(searched.size) / max(image.size))
    ink = _find_dark_ink(searched, round(EDGE_PIXELS * enlargement))
    return None if ink is None else draw_ink(ink, side)


def _resize(image: Image.Image) -> Image.Image:
    longer = max(image.size)
    if MIN_SIDE_PIXELS <= longer <= SEARCH_SIDE_PIXELS:
        return image
    scale = (SEARCH_SIDE_PIXELS if longer > SEARCH_SIDE_PIXELS else MIN_SIDE_PIXELS) / longer
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _is_dark(image: Image.Image) -> bool:
    """Return whether the center of the image is a dark board, on which the ink is light."""
    width, height = image.size
    center = np.asarray(image.crop((width // 4, height // 4, width - width // 4, height - height // 4)))
    return float(np.median(center)) < DARK_LEVEL


def _find_dark_ink(image: Image.Image, edge_pixels: int) -> Ink | None:
    """Return the ink of narrow strokes, or of wide ones if they have clearly more and are as dark."""
    shorter = min(image.size)
    narrow = _find_strokes(image, max(9, round(shorter * NARROW_STROKE_SHARE)) | 1, edge_pixels)
    wide = _find_strokes(image.reduce(2), max(9, round(shorter / 2 * WIDE_STROKE_SHARE)) | 1, edge_pixels)
    if narrow is None or wide is None:
        return narrow or wide
    shared = narrow.mask[::2, ::2]
    if not shared.any():
        return narrow
    levels = [float(np.median(wide.contrast.values[mask])) for mask in (wide.mask, shared)]
    growth = MIN_GROWTH if wide.mask[shared].mean() > MIN_COVERED_SHARE else MIN_OTHER_GROWTH
    return wide if 4 * wide.mass > growth * narrow.mass and levels[0] > MIN_WIDE_RATIO * levels[1] else narrow


def _find_strokes(image: Image.Image, stroke_pixels: int, edge_pixels: int) -> Ink | None:
    contrast = measure_contrast(image, stroke_pixels)
    lines, columns = (find_rules(contrast, is_vertical=is_vertical) for is_vertical in (False, True))
    values = contrast.values
    if len(lines):
        values = remove_rules(values, lines, contrast.threshold)
    if len(columns):
        values = remove_rules(np.ascontiguousarray(values.T), columns, contrast.threshold).T
    contrast = replace(contrast, values=values)
    ink = _choose_clear_ink(contrast, edge_pixels)
    if ink is None or not (len(lines) or len(columns)):
        return ink
    y, x = (int(np.median(np.flatnonzero(ink.mask.any(axis=axis)))) for axis in (1, 0))
    return replace(ink, tilt=measure_angle(lines, x) if len(lines) else -measure_angle(columns, y))


def _choose_clear_ink(contrast: Contrast, edge_pixels: int) -> Ink | None:
    """Return the ink without shadows that it touches, or faint ink if there is clearly more of it."""
    mask = contrast.mask
    sample = contrast.values[mask & contrast.paper]
    clear = CLEAR_SHARE * float(np.percentile(sample, DARK_PERCENTILE)) if len(sample) else 0.0
    faint = _choose_ink(contrast, mask, edge_pixels)
    if clear <= contrast.threshold:
        return faint
    dark = _choose_ink(contrast, contrast.values > clear, edge_pixels)
    return faint if dark is None or (faint and faint.mass > MIN_FAINT_RATIO * dark.mass) else dark


def _choose_ink(contrast: Contrast, mask: Mask, edge_pixels: int) -> Ink | None:
    """Return the part with the most ink, and the parts that belong to it."""
    from scipy.ndimage import find_objects, label

    labels, count = label(mask, np.ones((3, 3)))
    if not count:
        return None
    flat, places = labels.ravel(), np.flatnonzero(mask)
    areas = np.bincount(flat[places], minlength=count + 1)
    masses = np.bincount(flat[places], contrast.values.ravel()[places], minlength=count + 1)
    boxes = _measure_boxes(find_objects(labels))
    weights = _weigh_parts(contrast, labels, boxes, areas[1:])
    weighted = (masses[1:] * weights).astype(np.float32)
    weighted = _weigh_largest_parts(contrast, labels, boxes, weighted, edge_pixels)
    main = int(np.argmax(weighted))
    if weighted[main] <= 0:
        return None
    joined = np.where((weights >= MIN_JOINED_WEIGHT) | (np.arange(count) == main), weighted, 0)
    chosen = _join_parts(main, boxes, (masses[1:] / areas[1:]).astype(np.float32), joined)
    keep = np.zeros(count + 1, np.bool_)
    keep[np.array(chosen) + 1] = True
    return Ink(keep[labels], contrast, float(weighted[chosen].sum()))


def _measure_boxes(slices: list[tuple[slice, slice]]) -> AnyArray:
    """Return top, left, bottom, right of each part."""
    return np.array([(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in slices])


def _weigh_parts(contrast: Contrast, labels: AnyArray, boxes: AnyArray, areas: AnyArray) -> Array:
    """Return the weight of each part: less on a table or at the edge of the image, and none if it is too small."""
    shape = labels.shape
    top, left, bottom, right = boxes.T
    longer = np.maximum(bottom - top, right - left)
    weights = np.where(longer < max(shape) * MIN_DIGIT_SHARE, 0.0, 1.0)
    weights *= np.where((top < 3) | (left < 3) | (bottom > shape[0] - 3) | (right > shape[1] - 3), EDGE_WEIGHT, 1.0)
    center = np.hypot((top + bottom) / shape[0] - 1, (left + right) / shape[1] - 1)
    weights *= 1 - 0.3 * np.minimum(center, 1.4)
    if contrast.table_level:
        outside = np.bincount(labels[~contrast.paper], minlength=len(boxes) + 1)[1:]
        weights *= np.where(outside > MAX_TABLE_SHARE * areas, TABLE_WEIGHT, 1.0)
    result: Array = weights
    return result


def _weigh_largest_parts(contrast: Contrast, labels: AnyArray, boxes: AnyArray, weighted: Array, edge_pixels: int) -> Array:
    """Return lower weights for parts with soft edges, such as shadows, and for those among others, as on a table.

    Only the largest parts are measured.
    """
    changed = weighted.copy()
    limit = weighted.max() * MIN_PART_SHARE
    for part in np.argsort(weighted)[::-1][:MAX_MEASURED_PARTS]:
        if weighted[part] <= limit:
            break
        changed[part] *= _weigh_edges(contrast.values, labels, boxes[part], part + 1, edge_pixels)
        changed[part] *= max(CLUTTER_WEIGHT, 1 - _measure_clutter(labels, boxes[part], part + 1) / MAX_CLUTTER)
    return changed


def _weigh_edges(values: Array, labels: AnyArray, box: AnyArray, part: int, edge_pixels: int) -> float:
    """Return 1 for a part with edges as sharp as those of ink, or as soft as those of an enlarged sample, and dark."""
    from scipy.ndimage import distance_transform_edt

    inner = np.pad(labels[box[0] : box[2], box[1] : box[3]] == part, 1)
    stroke = 4 * float(distance_transform_edt(inner)[inner].mean()) - 1
    dark = float(np.percentile(values[box[0] : box[2], box[1] : box[3]][inner[1:-1, 1:-1]], 80))
    if _measure_sharpness(values, labels, box, part, edge_pixels) >= MIN_SHARPNESS * dark:
        return 1.0
    soft_pixels = max(edge_pixels, round(EDGE_STROKE_SHARE * stroke))
    if _measure_sharpness(values, labels, box, part, soft_pixels) < MIN_SHARPNESS * dark:
        return 0.0
    return 1.0 if dark > DARK_CONTRAST else SOFT_WEIGHT


def _measure_sharpness(values: Array, labels: AnyArray, box: AnyArray, part: int, half: int) -> float:
    """Return the typical difference of the contrast across the edges of a part, over twice `half` pixels."""
    from scipy.ndimage import binary_erosion, maximum_filter

    top, left, bottom, right = box
    border = 2 * half
    near = np.s_[max(0, top - border) : bottom + border, max(0, left - border) : right + border]
    values, inside = values[near], labels[near] == part
    steps = np.zeros(values.shape, np.float32)
    steps[half:-half] = np.abs(values[2 * half :] - values[: -2 * half])
    steps[:, half:-half] = np.maximum(steps[:, half:-half], np.abs(values[:, 2 * half :] - values[:, : -2 * half]))
    return float(np.median(maximum_filter(steps, 2 * half + 1)[inside & ~binary_erosion(inside)]))


def _measure_clutter(labels: AnyArray, box: AnyArray, part: int) -> float:
    """Return the share of other parts in the area around a part."""
    top, left, bottom, right = box
    border = max(8, max(bottom - top, right - left) // 2)
    around = labels[max(0, top - border) : bottom + border, max(0, left - border) : right + border]
    own = (bottom - top) * (right - left)
    return float(((around > 0) & (around != part)).sum() / max(1, around.size - own))


def _join_parts(main: int, boxes: AnyArray, means: Array, weighted: Array) -> list[int]:
    """Return the numbers of the parts that belong to the same digit: dark enough, large enough, and near."""
    near = (weighted >= weighted[main] * MIN_PART_SHARE) & (means >= means[main] * MIN_PART_CONTRAST)
    candidates = set(np.flatnonzero(near).tolist()) - {main}
    chosen = [main]
    top, left, bottom, right = boxes[main]
    size = max(bottom - top, right - left)
    for _ in range(2):
        for part in sorted(candidates):
            gap_y = max(boxes[part][0] - bottom, top - boxes[part][2], 0)
            gap_x = max(boxes[part][1] - right, left - boxes[part][3], 0)
            if np.hypot(gap_x, gap_y) <= MAX_GAP_SHARE * size:
                chosen.append(part)
                candidates.discard(part)
                top, left = min(top, boxes[part][0]), min(left, boxes[part][1])
                bottom, right = max(bottom, boxes[part][2]), max(right, boxes[part][3])
    return chosen
