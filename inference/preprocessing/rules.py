"""Find the rules of lined and squared paper, and subtract them from the contrast of the ink.

Rules are long, thin, and almost parallel. Paper bends, and a camera sees it in perspective: so each rule is followed
from block to block of columns, and is a curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inference.preprocessing.ink_contrast import Contrast, Mask
from inference.types import AnyArray, Array

MAX_ANGLE_DEGREES = 28
MAX_ANGLE_SPREAD = 6  # degrees between rules, in perspective
MIN_SECOND_SHARE = 0.2  # of the clearness of a second angle to that of the first
MAX_POINTS = 8000  # for the angle
BLOCKS = 25  # of columns
MAX_RULE_SHARE = 0.0065  # half of the thickness of a rule and its soft edges, as a share of the longer side
RIDGE_RATIO = 0.6  # of the contrast of a rule to the threshold of ink
MIN_BLOCK_COVERAGE = 0.6
MAX_MISSING_BLOCKS = 9  # under the digit
MIN_TRACK_COVERAGE = 0.55  # of the blocks between the ends of a rule
MIN_SHARES = {1: 0.75, 2: 0.5, 3: 0.5}  # length of so many rules, as a share of the paper
MIN_SHARE = 0.3  # length of more rules
MAX_CONTRAST_RATIO = 1.6  # of a line to the next darkest: a single dark line is ink, unless it crosses the paper
CROSSING_SHARE = 0.8  # length of a line that crosses the paper
MAX_DEVIATION_PIXELS = 1.6
MAX_LOCAL_RATIO = 1.6  # of the contrast of a part of a rule to that of the whole rule: more is ink


@dataclass(frozen=True, slots=True)
class Track:
    """The places of one rule: blocks, and rows after the angle is removed."""

    blocks: list[int]
    rows: list[float]

    @property
    def length(self) -> int:
        return self.blocks[-1] - self.blocks[0] + 1


def find_rules(contrast: Contrast, *, is_vertical: bool) -> Array:
    """Return the row of each rule in each column `(rules, columns)`; of vertical rules, the column in each row."""
    values, paper = contrast.values, contrast.paper
    if is_vertical:
        values, paper = np.ascontiguousarray(values.T), paper.T
    ridges = _find_ridges(values, contrast.threshold * RIDGE_RATIO) & paper
    rows, columns = np.nonzero(ridges)
    extent = _measure_paper(paper)
    slopes = _estimate_slopes(rows, columns, values.shape)
    found = [_follow_rules(rows, columns, values, slope, extent) for slope in slopes]
    return np.concatenate([np.zeros((0, values.shape[1]), np.float32), *found])


def measure_angle(curves: Array, column: int) -> float:
    """Return the angle of the rules at a column in degrees, positive if they are turned clockwise."""
    width = curves.shape[1]
    first, last = max(0, column - width // 8), min(width - 1, column + width // 8)
    slopes = (curves[:, last] - curves[:, first]) / (last - first)
    return float(np.degrees(np.arctan(np.median(slopes))))


def remove_rules(values: Array, curves: Array, threshold: float) -> Array:
    """Return the contrast without rules. The local contrast of a rule is subtracted; strokes across it are restored."""
    from scipy.ndimage import maximum_filter1d

    height, width = values.shape
    reach = _measure_reach(values)
    offsets = np.arange(-reach, reach + 1)[:, None, None]
    rows = np.rint(curves).astype(np.intp)[None] + offsets
    inside = (rows >= 0) & (rows < height)
    rows = rows.clip(0, height - 1)
    columns = np.broadcast_to(np.arange(width), rows.shape)
    near = values[rows, columns]
    rule = _measure_profile(near)
    rest = near - rule
    core = rule > threshold / 2
    above, below = (maximum_filter1d(side.max(axis=0), 5, axis=-1) for side in (rest[: reach - 1], rest[reach + 2 :]))
    stroke = np.minimum(above, below)
    restored = np.where(core & (stroke > threshold)[None], np.maximum(rest, np.minimum(stroke, near)), rest)
    result = values.copy()
    np.minimum.at(result, (rows[inside], columns[inside]), restored[inside])
    return result


def _measure_reach(values: Array) -> int:
    return max(3, round(int(max(values.shape)) * MAX_RULE_SHARE))


def _find_ridges(values: Array, threshold: float) -> Mask:
    """Return the pixels that are darker than those above and below."""
    reach = _measure_reach(values)
    ridges = np.zeros(values.shape, np.bool_)
    neighbors = np.maximum(values[: -2 * reach], values[2 * reach :])
    ridges[reach:-reach] = values[reach:-reach] - neighbors > threshold
    return ridges


def _measure_paper(paper: Mask) -> float:
    """Return the typical width of the paper in pixels."""
    widths = paper.sum(axis=1)
    return float(np.percentile(widths[widths > 0], 60)) if widths.any() else float(paper.shape[1])


def _estimate_slopes(rows: AnyArray, columns: AnyArray, shape: tuple[int, ...]) -> list[float]:
    """Return one or two slopes on whose lines most ridges lie together: of the rules, and of the grain of a table."""
    if len(rows) < shape[1] * MIN_SHARE:
        return []
    step = len(rows) // MAX_POINTS + 1
    y, x = rows[::step].astype(np.float32), columns[::step].astype(np.float32) - shape[1] / 2
    slopes = np.tan(np.radians(np.arange(-MAX_ANGLE_DEGREES, MAX_ANGLE_DEGREES + 1)))
    margin = int(shape[1] / 2 * slopes[-1]) + 1
    count = (shape[0] + 2 * margin) // 3 + 2
    scores = np.array(
        [(np.bincount(((y - slope * x + margin) / 3).astype(np.int32), minlength=count) ** 2).sum() for slope in slopes]
    )
    best = int(scores.argmax())
    others = scores.copy()
    others[max(0, best - MAX_ANGLE_SPREAD) : best + MAX_ANGLE_SPREAD + 1] = 0
    second = int(others.argmax())
    level = float(np.median(scores))
    is_clear = scores[second] - level > MIN_SECOND_SHARE * (scores[best] - level)
    return [float(slopes[place]) for place in ([best, second] if is_clear else [best])]


def _follow_rules(rows: AnyArray, columns: AnyArray, values: Array, slope: float, extent: float) -> Array:
    """Return the curves of the rules near a slope."""
    height, width = values.shape
    block = width / BLOCKS
    margin = int(abs(slope) * width / 2) + 4
    sheared = np.rint(rows - slope * (columns - width / 2)).astype(np.intp) + margin
    total = height + 2 * margin + 1
    places = (columns / block).astype(np.intp) * total + sheared
    counts = np.bincount(places, minlength=BLOCKS * total)[: BLOCKS * total].reshape(BLOCKS, total).astype(np.float32)
    tracks = _link_peaks(_find_peaks(counts, block * MIN_BLOCK_COVERAGE))
    x = np.arange(width, dtype=np.float32)
    curves, shares = [], []
    for track in tracks:
        curve = _fit_curve(track, block, x)
        if curve is not None:
            curves.append(curve - margin + slope * (x - width / 2))
            shares.append(track.length * block / extent)
    return _choose_rules(np.array(curves, np.float32).reshape(-1, width), np.array(shares), values)


def _find_peaks(counts: Array, minimum: float) -> list[Array]:
    """Return the rows of each block that many ridges share."""
    from scipy.ndimage import maximum_filter1d

    padded = np.pad(counts, ((0, 0), (1, 1)))
    before, after = padded[:, :-2], padded[:, 2:]
    support = before + counts + after
    clear = support + counts / 4
    found: list[Array] = []
    for block, is_peak in enumerate((support >= minimum) & (clear == maximum_filter1d(clear, 7, axis=1))):
        peaks = np.flatnonzero(is_peak)
        peaks = peaks[np.diff(peaks, prepend=-9) > 3]
        found.append(peaks + (after[block, peaks] - before[block, peaks]) / support[block, peaks])
    return found


def _link_peaks(peaks: list[Array]) -> list[Track]:
    """Return the peaks of neighboring blocks that lie on one line."""
    tracks: list[Track] = []
    for block, rows in enumerate(peaks):
        last = [track for track in tracks if block - track.blocks[-1] <= MAX_MISSING_BLOCKS]
        free = np.ones(len(rows), np.bool_)
        if last and len(rows):
            predicted = np.array([_predict_row(track, block) for track in last])
            distances = np.abs(predicted[:, None] - rows[None])
            nearest = distances.argmin(axis=1)
            for place, peak in enumerate(nearest):
                gap = block - last[place].blocks[-1]
                if distances[:, peak].argmin() == place and distances[place, peak] <= 3 + 0.5 * gap:
                    last[place].blocks.append(block)
                    last[place].rows.append(float(rows[peak]))
                    free[peak] = False
        tracks += [Track([block], [float(row)]) for row in rows[free]]
    return [track for track in tracks if len(track.blocks) >= max(5, MIN_TRACK_COVERAGE * track.length)]


def _predict_row(track: Track, block: int) -> float:
    first = max(0, len(track.blocks) - 5)
    if len(track.blocks) < 3:
        return track.rows[-1]
    slope = (track.rows[-1] - track.rows[first]) / (track.blocks[-1] - track.blocks[first])
    return track.rows[-1] + slope * (block - track.blocks[-1])


def _fit_curve(track: Track, block: float, x: Array) -> Array | None:
    """Return the row in each column: a parabola within the track, and straight beyond it; None if it is not smooth."""
    places, rows = (np.array(track.blocks) + 0.5) * block - x[-1] / 2, np.array(track.rows)
    degree = 2 if len(rows) >= 9 else 1
    weights = np.ones(len(rows))
    for _ in range(3):
        curve = np.polynomial.Polynomial.fit(places, rows, degree, w=weights)
        deviations = np.abs(curve(places) - rows)
        weights = 1 / (1 + deviations**2)
    if np.median(deviations) > MAX_DEVIATION_PIXELS:
        return None
    centered = x - x[-1] / 2
    within = centered.clip(places[0], places[-1])
    result: Array = curve(within) + curve.deriv()(within) * (centered - within)
    return result


def _choose_rules(curves: Array, shares: Array, values: Array) -> Array:
    """Return the curves that are rules: long enough for their number, and not much darker than the others."""
    if not len(curves):
        return curves
    columns = np.arange(0, values.shape[1], 4)
    rows = np.rint(curves[:, ::4]).astype(np.intp)
    inside = (rows >= 0) & (rows < values.shape[0])
    found = np.where(inside, values[rows.clip(0, values.shape[0] - 1), columns], np.nan)
    dark = np.nan_to_num(np.nanpercentile(found, 75, axis=1)) if inside.any(axis=1).all() else np.zeros(len(curves))
    for minimum in (MIN_SHARE, *sorted(set(MIN_SHARES.values()))):
        keep = shares >= minimum
        if keep.sum() > 1:
            second = np.sort(dark[keep])[-2]
            keep &= (dark <= MAX_CONTRAST_RATIO * second) | (shares >= CROSSING_SHARE)
        if MIN_SHARES.get(int(keep.sum()), MIN_SHARE) <= minimum:
            return curves[keep]
    return curves[:0]


def _measure_profile(near: Array) -> Array:
    """Return the contrast of each rule itself: the median along parts of the rule, at each distance from its center."""
    distances, count, width = near.shape
    part = max(24, width // 6)
    parts = max(1, width // part)
    edges = np.linspace(0, width, parts + 1).astype(int)
    medians = np.stack([np.median(near[:, :, a:b:2], axis=2) for a, b in pairwise(edges)], axis=2)
    medians = np.minimum(medians, MAX_LOCAL_RATIO * np.median(medians, axis=2, keepdims=True))
    padded = np.pad(medians, ((1, 1), (0, 0), (0, 0)), "edge")
    wide = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    base = np.median(medians, axis=0)[None]
    return np.repeat((wide - base).clip(0), np.diff(edges), axis=2).reshape(distances, count, width)
