"""Aggregate the review summaries of a version in one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from core.sql import execute_query
from predictions.models import Review
from predictions.models.summaries import PICKED_BY_BITS

CONFIDENCE_EDGES = [number / 10 for number in range(11)]
CONFIDENCE_BINS = list(pairwise(CONFIDENCE_EDGES))
RESIDUAL_BINS = 20

# Compare with the edges instead of multiplying: 0.7 * 10 is more than 7. The highest edge comes first, because most
# confidences are high.
BIN = " ".join(
    f"WHEN confidence > {edge} THEN {number}" for number, edge in reversed(list(enumerate(CONFIDENCE_EDGES[:-1])))
)
COUNT_REVIEWS = f"""
SELECT label, true_label, verdict, picked_by, CASE {BIN} WHEN confidence IS NOT NULL THEN 0 END AS bin, ratings,
       COUNT(*), SUM(confidence)
FROM summaries WHERE %s = 0 OR (picked_by & %s) <> 0
GROUP BY label, true_label, verdict, picked_by, bin, ratings
"""  # noqa: S608  the numbers are constants of this project
COUNT_UNSAMPLED = """
SELECT COUNT(*) FROM summaries WHERE (verdict <> '' OR true_value IS NOT NULL) AND (picked_by & %s) = 0
"""
# The database keeps only the two columns that are read twice. The number of reviewed predictions is the sum of `reviewed`.
SUM_ERRORS = f"""
, errors AS MATERIALIZED (
    SELECT value - true_value AS error, true_value FROM summaries WHERE %s = 0 OR (picked_by & %s) <> 0
),
span AS (SELECT MIN(error) AS low, MAX(error) AS high FROM errors)
SELECT -1, COUNT(error), AVG(ABS(error)), AVG(error * error), AVG(error),
       CASE WHEN MIN(true_value) < MAX(true_value) THEN VAR_POP(true_value) FILTER (WHERE error IS NOT NULL) ELSE 0.0 END,
       MIN(error), MAX(error), COUNT(*) FROM errors
UNION ALL
SELECT CASE WHEN error >= high THEN {RESIDUAL_BINS} - 1 ELSE FLOOR((error - low) * {RESIDUAL_BINS} / (high - low)) END
       AS number, COUNT(*), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
FROM errors CROSS JOIN span WHERE high > low AND error IS NOT NULL GROUP BY number
"""  # noqa: S608  the numbers are constants of this project


class SummaryCount(NamedTuple):
    """Number of reviewed predictions that are the same in all columns but the last, and the sum of their confidences.

    Args:
        label, true_label, verdict, ratings: as in `ReviewSummary`.
        picked_by: bits as in `ReviewSummary`.
        bin: index in `CONFIDENCE_BINS`.
    """

    label: str
    true_label: str
    verdict: str
    picked_by: int
    bin: int | None
    ratings: str
    n: int
    confidence_sum: float | None

    def is_picked_by(self, *strategies: str) -> bool:
        """Return whether a review was selected by one of these strategies."""
        return any(self.picked_by & PICKED_BY_BITS[name] for name in strategies)


class ErrorSums(NamedTuple):
    """Aggregated errors (value minus true value). `true_variance` is the population variance of the true values."""

    n: int
    mean_absolute: float | None
    mean_squared: float | None
    mean: float | None
    true_variance: float | None
    low: float | None
    high: float | None
    reviewed: int
    histogram: Counter[int]


def count_reviews(summaries: tuple[str, Sequence[Any]], *, picked_by: str = "") -> list[SummaryCount]:
    """Count reviewed predictions with labels.

    Args:
        summaries: from `build_summaries`.
        picked_by: count only predictions selected for review by this strategy; empty for all.
    """
    return [SummaryCount(*row) for row in _aggregate(COUNT_REVIEWS, summaries, picked_by)]


def count_unsampled(summaries: tuple[str, Sequence[Any]]) -> int:
    """Count decided predictions that are not in the random sample. For the argument, see `count_reviews`."""
    sql, parameters = summaries
    count: int = execute_query(sql + COUNT_UNSAMPLED, [*parameters, PICKED_BY_BITS[Review.PickedBy.RANDOM]])[0][0]
    return count


def sum_errors(summaries: tuple[str, Sequence[Any]], *, picked_by: str = "") -> ErrorSums:
    """Aggregate the errors of predictions with values. For the arguments, see `count_reviews`."""
    rows = {int(row[0]): row[1:] for row in _aggregate(SUM_ERRORS, summaries, picked_by)}
    histogram = Counter[int]()
    for number, row in rows.items():
        if number >= 0:  # rounding may put an error just beyond the last bin
            histogram[min(number, RESIDUAL_BINS - 1)] += row[0]
    n, mean_absolute, mean_squared, mean, true_variance, low, high, reviewed = rows[-1]
    return ErrorSums(n, mean_absolute, mean_squared, mean, true_variance, low, high, reviewed, histogram)


def _aggregate(statement: str, summaries: tuple[str, Sequence[Any]], picked_by: str) -> list[tuple[Any, ...]]:
    sql, parameters = summaries
    bit = PICKED_BY_BITS[picked_by] if picked_by else 0
    return execute_query(sql + statement, [*parameters, bit, bit])
