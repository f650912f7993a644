"""How a figure differs from that of the period before, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat

from core.formatting import format_count, format_milliseconds, format_percent
from monitoring.metrics import Operations, Pair

MANY_TIMES = 3  # from here on it is `4.2 times as many` and no longer percent
FAR = 100  # from here on it is only `far more`


@dataclass(frozen=True, slots=True)
class Kind:
    """How a figure is written, and what it is called when it went up or down.

    Args:
        points: differences are told in points of a percentage, not in percent of a percentage.
        notable: from which change on it is worth a look: a difference in `points`, else how many times as much or as little.
    """

    written: Callable[[float], str]
    up: str
    down: str
    points: bool = False
    notable: float = 1.5


COUNT = Kind(lambda value: format_count(int(value)), "more", "fewer")
SIZE = Kind(lambda value: filesizeformat(int(value)), "more", "less")
TIME = Kind(format_milliseconds, "slower", "faster")
FAILED = Kind(format_percent, "higher", "lower", points=True, notable=0.01)
SURE = Kind(format_percent, "higher", "lower", points=True, notable=0.02)
ENOUGH = 30  # predictions; what changes among fewer may be chance
ALARMING = 0.1  # of the predictions failed: it stands out whatever was before


@dataclass(frozen=True, slots=True)
class Card:
    """A big figure with what is told beneath."""

    title: str
    value: str
    change: str
    arrow: str = ""
    note: str = ""
    notable: bool = False


def cards_of(figures: Operations, *, free: int | None) -> list[Card]:
    """Return the big figures of a window; `free` are the bytes left where inputs are stored."""
    words = figures.window.words
    room = f"{filesizeformat(free)} free on the disk" if free is not None else ""
    now, before = (int(count or 0) for count in figures.predictions)
    counts = max(now, before) >= ENOUGH and before > 0  # either window will do, lest an outage hides
    both = are_comparable(figures)
    failures = both or (now >= ENOUGH and (figures.failed.now or 0) >= ALARMING)
    return [
        card("Predictions", figures.predictions, COUNT, words, enough=counts),
        card("Failed", figures.failed, FAILED, words, enough=failures),
        card("Latency, median", figures.latency["p50"], TIME, words, enough=both),
        card("Latency, 95th percentile", figures.latency["p95"], TIME, words, enough=both),
        card("Latency, 99th percentile", figures.latency["p99"], TIME, words, enough=both),
        card("Mean confidence", figures.confidence, SURE, words, enough=both),
        card("Awaiting review", figures.awaiting, COUNT, words, enough=counts, note="of the answers given in this time"),
        card("Inputs received", figures.input_bytes, SIZE, words, enough=counts, note=room),
    ]


def are_comparable(figures: Operations) -> bool:
    """Return whether both windows hold enough for their shares, means and quantiles to be compared."""
    return min(figures.predictions.now or 0, figures.predictions.before or 0) >= ENOUGH


def card(title: str, pair: Pair, kind: Kind, words: str, *, note: str = "", enough: bool = True) -> Card:
    """Return the card of a figure; what changed among too few to be `enough` does not stand out."""
    value = "–" if pair.now is None else kind.written(pair.now)
    return Card(
        title, value, change(pair, kind, words), _arrow(pair, kind), note, notable=enough and _is_notable(pair, kind)
    )


def _is_notable(pair: Pair, kind: Kind) -> bool:
    now, before = pair
    if kind is FAILED and (now or 0) >= ALARMING:
        return True
    if now is None or before is None:
        return False
    if kind.points:
        return abs(now - before) >= kind.notable
    return max(now, before) >= kind.notable * min(now, before) and max(now, before) > 0


def change(pair: Pair, kind: Kind, words: str) -> str:
    """Return the difference to the period before: `12.0 % more than in the 7 days before (1,234)`."""
    now, before = pair
    if before is None or not (before or kind.points):
        return f"none in the {words} before{' either' if not now else ''}"
    if now is None:
        return f"{kind.written(before)} in the {words} before"
    if kind.written(now) == kind.written(before):
        return f"as in the {words} before"
    return f"{_apart(now, before, kind)} in the {words} before ({kind.written(before)})"


def _apart(now: float, before: float, kind: Kind) -> str:
    """Return how much, and in which direction."""
    how = kind.up if now > before else kind.down
    if kind.points:
        return f"{abs(now - before) * 100:.1f} points {how} than"
    ratio = now / before
    if ratio >= MANY_TIMES and kind in (COUNT, SIZE):
        return f"{ratio:,.1f} times as {'many' if kind is COUNT else 'much'} as" if ratio < FAR else f"far {how} than"
    return f"{abs(ratio - 1) * 100:,.1f} % {how} than"


def _arrow(pair: Pair, kind: Kind) -> str:
    now, before = pair
    if now is None or before is None or not (before or kind.points) or kind.written(now) == kind.written(before):
        return ""
    return "↑" if now > before else "↓"
