"""Find and remove the rules of lined and squared paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from inference.preprocessing.ink_contrast import Contrast, Mask
from inference.types import AnyArray, Array

MAX_ANGLE_DEGREES, ANGLE_STEP_DEGREES = 28.0, 0.5
MAX_POINTS = 9000
MAX_RULE_SHARE = 0.012  # thickness of a rule, as a share of the longer side of the image
MIN_RULE_SHARE, MIN_SINGLE_SHARE = 0.3, 0.7  # length of one of several rules, and of a single one, of the image
MIN_COVERAGE = 0.6  # of a rule between its ends
MAX_ANGLE_SPREAD = 5.0  # degrees between rules, in perspective
MAX_RULES = 60  # per direction
DARKER_RATIO = 1.6  # of the contrast of ink to that of a rule which it covers


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: y = start + slope * x, or x = start + slope * y if it is vertical."""

    start: float
    slope: float
    is_vertical: bool

    @property
    def angle(self) -> float:
        """Return the tilt of the paper in degrees: positive if it is turned clockwise."""
        return float(np.degrees(np.arctan(-self.slope if self.is_vertical else self.slope)))


def find_rules(mask: Mask) -> list[Rule]:
    """Return the long thin straight lines of an image: several that are almost parallel, or one across the image."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    thickness = max(3, round(max(mask.shape) * MAX_RULE_SHARE)) | 1
    wide = mask.view(np.uint8)
    for filter1d in (minimum_filter1d, maximum_filter1d):
        for axis in (0, 1):
            wide = filter1d(wide, thickness, axis=axis)
    thin = mask & ~wide.view(np.bool_)
    return [*_find_direction(thin, is_vertical=False), *_find_direction(thin.T, is_vertical=True)]


def remove_rules(contrast: Contrast, rules: list[Rule]) -> Mask:
    """Return the mask of the ink without rules. Strokes that cross a rule, and darker ones on it, remain."""
    mask = contrast.mask
    for is_vertical in (False, True):
        lines = [rule for rule in rules if rule.is_vertical is is_vertical]
        if not lines:
            continue
        values, part = (contrast.values.T, mask.T) if is_vertical else (contrast.values, mask)
        cleaned = _remove_lines(part, values, lines)
        mask = cleaned.T if is_vertical else cleaned
    return mask


def _find_direction(mask: Mask, *, is_vertical: bool) -> list[Rule]:
    """Return the rules that are nearly horizontal in the mask."""
    rows, columns = np.nonzero(mask)
    if len(rows) < mask.shape[1] * MIN_RULE_SHARE:
        return []
    step = len(rows) // MAX_POINTS + 1
    y, x = rows[::step].astype(np.float32), columns[::step].astype(np.float32) - mask.shape[1] / 2
    slopes = np.tan(np.radians(np.arange(-MAX_ANGLE_DEGREES, MAX_ANGLE_DEGREES + 0.1, ANGLE_STEP_DEGREES)))
    margin = int(mask.shape[1] / 2 * slopes[-1]) + 1
    height = (mask.shape[0] + 2 * margin) // 2 + 1
    counts = np.stack([np.bincount(((y - slope * x + margin) / 2).astype(np.int32), minlength=height) for slope in slopes])
    support = counts[:, :-1] + counts[:, 1:]
    found: list[tuple[float, Rule]] = []
    min_count = mask.shape[1] * MIN_RULE_SHARE * MIN_COVERAGE / step
    spread = round(MAX_ANGLE_SPREAD / ANGLE_STEP_DEGREES)
    main = int(np.argmax((support.astype(np.float32) ** 2).sum(axis=1)))
    first = max(0, main - spread)
    window = support[first : main + spread + 1].copy()
    for _ in range(MAX_RULES):
        row, column = np.unravel_index(int(np.argmax(window)), window.shape)
        if window[row, column] < min_count:
            break
        slope, offset = float(slopes[first + row]), (float(column) + 1) * 2 - margin
        window[:, max(0, column - 3) : column + 4] = 0
        start = offset - slope * mask.shape[1] / 2
        length = _measure_length(mask, start, slope)
        if length:
            found.append((length / mask.shape[1], Rule(start, slope, is_vertical)))
    rules = [rule for share, rule in found if share >= MIN_RULE_SHARE]
    if len(rules) > 1 or any(share >= MIN_SINGLE_SHARE for share, _ in found):
        return rules
    return []


def _measure_length(mask: Mask, start: float, slope: float) -> int:
    """Return the width of the part of a line that is covered, or 0 if it has many gaps."""
    columns = np.arange(mask.shape[1])
    rows = np.rint(start + slope * columns).astype(np.intp)
    covered = np.zeros(len(columns), np.bool_)
    for offset in (-2, -1, 0, 1, 2):
        inside = (rows + offset >= 0) & (rows + offset < mask.shape[0])
        covered[inside] |= mask[rows[inside] + offset, columns[inside]]
    places = np.flatnonzero(covered)
    if not len(places):
        return 0
    low, high = np.percentile(places, (2, 98))
    length = int(high - low)
    return length if covered[int(low) : int(high) + 1].mean() >= MIN_COVERAGE else 0


def _remove_lines(mask: Mask, values: Array, rules: list[Rule]) -> Mask:
    """Return the mask without nearly horizontal lines."""
    from scipy.ndimage import maximum_filter1d

    half = max(2, round(max(mask.shape) * MAX_RULE_SHARE / 3))
    near = _draw_lines(mask.shape, rules, 2 * half + 1)
    inside, outside = mask & near, (mask & ~near).view(np.uint8)
    rule_contrast = float(np.median(values[inside])) if inside.any() else 0.0
    reach = 2 * half + 3
    above = maximum_filter1d(outside, reach, axis=0, origin=(reach - 1) // 2, mode="constant")
    below = maximum_filter1d(outside, reach, axis=0, origin=-((reach - 1) // 2), mode="constant")
    crossing = (above & below).view(np.bool_)
    darker = values > DARKER_RATIO * rule_contrast
    cleaned: Mask = outside.view(np.bool_) | (inside & (crossing | darker))
    return cleaned


def _draw_lines(shape: tuple[int, ...], rules: list[Rule], width: int) -> Mask:
    canvas = Image.new("L", (shape[1], shape[0]))
    draw = ImageDraw.Draw(canvas)
    for rule in rules:
        draw.line((0, rule.start, shape[1], rule.start + rule.slope * shape[1]), 1, width)
    drawn: AnyArray = np.asarray(canvas)
    return drawn.view(np.bool_)
