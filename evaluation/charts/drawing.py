"""Scales, axes, and shapes of a chart, in SVG units. Colors are classes of the style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10
from typing import NamedTuple

from core.formatting import format_percent, format_short_percent, localize_number

WIDTH, HEIGHT = 420, 280
TOP, RIGHT, BOTTOM = 12, 22, 44
CHARACTER_WIDTH = 7.5  # of the text at the ticks
AXIS_TITLE_HEIGHT = 26
TICK_COUNT = 5
NICE_STEPS = (1, 2, 2.5, 5, 10)
MIN_RADIUS, MAX_RADIUS = 3, 8
MIN_SPAN = 1e-300  # below it, a step can be 0
MAX_PLAIN_NUMBER = 1e12  # from here on, ticks have an exponent
MIN_DIGITS, MAX_DIGITS = 4, 17  # significant ones of a tick


class Tick(NamedTuple):
    """A position on an axis, with its text."""

    position: float
    text: str


class Line(NamedTuple):
    """A path. `kind` is `main`, `second`, or `reference`; a line without a name is not in the legend."""

    path: str
    kind: str
    name: str = ""


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float


class Point(NamedTuple):
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values from `low` to `high` to SVG units from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def move(self, start: float, end: float) -> Scale:
        return Scale(self.low, self.high, start, end)


@dataclass(slots=True)
class Chart:
    """A chart, and its data as a table.

    Args:
        columns: of the table; the first one has the names of the rows.
        x_ticks, y_ticks: as (value, text).
    """

    title: str
    note: str
    x_title: str
    y_title: str
    x: Scale
    y: Scale
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    columns: list[str]
    rows: list[list[str]]
    lines: list[Line] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    dots: str = ""
    intervals: str = ""

    width = WIDTH
    height = HEIGHT

    def __post_init__(self) -> None:
        longest = max((len(text) for _, text in self.y_ticks), default=0)
        last = max((len(text) for _, text in self.x_ticks[-1:]), default=0)  # its text is centered on the end of the axis
        right = max(RIGHT, CHARACTER_WIDTH * (last + 1) / 2)
        self.x = self.x.move(AXIS_TITLE_HEIGHT + 6 + CHARACTER_WIDTH * longest, WIDTH - right)
        self.y = self.y.move(HEIGHT - BOTTOM, TOP)

    @property
    def placed_x_ticks(self) -> list[Tick]:
        """Return as many ticks as have room for their texts."""
        longest = max((len(text) for _, text in self.x_ticks), default=0)
        room = (self.x.end - self.x.start) / (CHARACTER_WIDTH * (longest + 1))
        step = max(1, ceil(len(self.x_ticks) / max(1, room)))
        return [Tick(self.x.place(value), text) for value, text in self.x_ticks[::step]]

    @property
    def placed_y_ticks(self) -> list[Tick]:
        return [Tick(self.y.place(value), text) for value, text in self.y_ticks]

    @property
    def x_middle(self) -> float:
        return (self.x.start + self.x.end) / 2

    @property
    def y_middle(self) -> float:
        return (self.y.start + self.y.end) / 2

    @property
    def legend(self) -> list[Line]:
        return [line for line in self.lines if line.name]

    def draw_line(self, values: Iterable[tuple[float, float]], kind: str, name: str = "") -> None:
        places = [f"{self.x.place(x):.1f} {self.y.place(y):.1f}" for x, y in values]
        if places:
            self.lines.append(Line("M" + "L".join(places), kind, name))

    def draw_dots(self, values: Iterable[tuple[float, float]]) -> None:
        """Draw dots of the same size as one path, which is much shorter than an element for each."""
        self.dots = "".join(f"M{self.x.place(x):.1f} {self.y.place(y):.1f}h0" for x, y in values)

    def draw_points(self, values: Sequence[tuple[float, float, int]]) -> None:
        """Draw (x, y, n) as points whose area grows with n."""
        highest = max((n for _, _, n in values), default=0)
        for x, y, n in values:
            radius = MIN_RADIUS + (MAX_RADIUS - MIN_RADIUS) * (n / highest) ** 0.5
            self.points.append(Point(self.x.place(x), self.y.place(y), radius))

    def draw_intervals(self, values: Iterable[tuple[float, float, float]]) -> None:
        """Draw (x, low, high) as vertical lines."""
        self.intervals = "".join(
            f"M{self.x.place(x):.1f} {self.y.place(low):.1f}V{self.y.place(high):.1f}" for x, low, high in values
        )

    def draw_bars(self, values: Iterable[tuple[float, float, int]]) -> None:
        """Draw (start, end, n) as bars with a gap of one unit."""
        for start, end, n in values:
            left, right, top = self.x.place(start), self.x.place(end), self.y.place(n)
            self.bars.append(Bar(left, top, max(1, right - left - 1), HEIGHT - BOTTOM - top))


def compute_ticks(low: float, high: float, count: int = TICK_COUNT) -> list[float]:
    """Return about `count` round numbers. The first is at or below `low`, the last is at or above `high`."""
    if not high - low > MIN_SPAN:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if abs(low) > MIN_SPAN else (0.0, 1.0)
    magnitude = 10 ** floor(log10((high - low) / count))
    step = next((nice * magnitude for nice in NICE_STEPS if nice * magnitude * count >= high - low), 10 * magnitude)
    return [number * step for number in range(floor(low / step), ceil(high / step) + 1)]


def build_number_axis(low: float, high: float, *, count: int = TICK_COUNT) -> tuple[Scale, list[tuple[float, str]]]:
    """Return a scale from one round number to another, and its ticks."""
    ticks = compute_ticks(low, high, count)
    return Scale(ticks[0], ticks[-1], 0, 1), [(tick, _format_tick(tick, ticks)) for tick in ticks]


def build_share_axis() -> tuple[Scale, list[tuple[float, str]]]:
    """Return a scale from 0% to 100%, and its ticks."""
    return Scale(0, 1, 0, 1), [(share, format_short_percent(share)) for share in (0, 0.25, 0.5, 0.75, 1)]


def format_range(low: float | None, high: float | None) -> str:
    """Return the limits of an interval of shares."""
    return f"{format_percent(low)} – {format_percent(high)}"


def _format_tick(value: float, ticks: Sequence[float]) -> str:
    """Return a tick with as many digits as it takes to distinguish the ticks of its axis."""
    highest, step = max(abs(ticks[0]), abs(ticks[-1])), ticks[1] - ticks[0]
    if step >= 1 and step == int(step) and highest < MAX_PLAIN_NUMBER:
        return localize_number(f"{value:,.0f}")
    digits = ceil(log10(highest / step)) + 2
    return localize_number(f"{value:,.{min(MAX_DIGITS, max(MIN_DIGITS, digits))}g}")
