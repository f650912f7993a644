"""What is known of a version's quality."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from evaluation.statistics import Bin, ClassMetrics, Share


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each label was the true one (row) and the answer (column)."""

    labels: list[str]
    matrix: list[list[int]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidence and being right go together."""

    ece: float | None
    bins: list[Bin]


class Mistake(NamedTuple):
    """How often one label was the true one and another the answer."""

    truth: str
    label: str
    n: int


class ResidualBin(NamedTuple):
    """How many answers are off by `low` up to `high`."""

    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Residuals:
    """How far answers are above (+) or below (-) the truth: on average, and how often how far."""

    mean: float | None
    bins: list[ResidualBin]


@dataclass(frozen=True, slots=True)
class Regression:
    """The errors of a value, in its unit; over answers whose true value is known."""

    mae: float | None
    rmse: float | None
    r2: float | None
    n: int
    residuals: Residuals


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is known of a version. `accuracy` and all below are over judged answers only; what is not known is None.

    Args:
        predictions: answers that could be judged.
        reviewed: those that somebody judged, unsure or not.
        accuracy: of those that were called right or wrong; None for values, which are near or far.
        random: the same over those that came up at random, a fair sample.
        picked: over those that came up because the model was in doubt, which is harsher than the truth.
        confusion: None of values, and of more labels than a matrix can show.
        mistakes: the commonest ones.
        kappa: Cohen's, of the people who judged the same answers; of several pairs their mean, weighed by answers.
        kappa_n: answers that two people judged, counted for each pair.
    """

    version: int
    predictions: int
    reviewed: int
    coverage: float | None
    accuracy: Share
    random: Share
    picked: Share
    classes: list[ClassMetrics] = field(default_factory=list)
    confusion: Confusion | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    calibration: Calibration | None = None
    kappa: float | None = None
    kappa_n: int = 0
    regression: Regression | None = None

    @property
    def unsure(self) -> int:
        """Return how many answers people judged without calling them right or wrong; 0 for values, which are neither."""
        return self.reviewed - self.accuracy.n if self.regression is None else 0
