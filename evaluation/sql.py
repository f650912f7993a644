"""All opinions on a version's answers, counted by the database in one statement.

Joining the answers to their opinions is most of the work on a large ledger: it is done once, and all is counted from there.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, CharField, F, IntegerField, QuerySet, Value, When
from django.db.models.functions import Cast

EDGES = [number / 10 for number in range(11)]  # of confidence
BINS = list(pairwise(EDGES))
RESIDUAL_BINS = 20
MAX_FLOAT = 3.4e38  # beyond it squares overflow
COLUMNS = (
    "id", "prediction_id", "verdict", "true_label", "true_value", "picked_by", "holds", "prediction__label",
    "prediction__confidence", "prediction__value", "person", "said", "bin",
)  # fmt: skip

# `holding` has the opinions that hold, of the answers that were come upon in the way asked for. An answer keeps the ways
# it was come upon, whatever became of those opinions: the windows look at the withdrawn ones too. `decided` has those that
# say right or wrong, the newest on each answer at place 1. PostgreSQL guesses that `<> 0` keeps most rows and `= 1` hardly
# any; by the second guess it would join the pairs row by row, in minutes. Of values the newest opinion that
# names one counts: who says no more than that an answer is right takes no measured truth away.
DECIDED = """
WITH opinions (
    review, prediction, verdict, true_label, true_value, picked_by, holds, label, confidence, value, person, said, bin
) AS MATERIALIZED ({opinions}),
flagged AS (
    SELECT opinions.*,
           MAX(CASE WHEN picked_by = 'random' THEN 1 ELSE 0 END) OVER (PARTITION BY prediction) AS at_random,
           MAX(CASE WHEN picked_by IN ('uncertain', 'margin') THEN 1 ELSE 0 END) OVER (PARTITION BY prediction) AS in_doubt,
           MAX(CASE WHEN %s IN ('', picked_by) THEN 1 ELSE 0 END) OVER (PARTITION BY prediction) AS asked
    FROM opinions
),
holding AS MATERIALIZED (SELECT * FROM flagged WHERE holds <> 0 AND asked <> 0),
decided AS MATERIALIZED (
    SELECT holding.*, ROW_NUMBER() OVER (PARTITION BY prediction ORDER BY review DESC) AS place
    FROM holding WHERE verdict <> 'unsure'
)
"""
COUNTS = """
SELECT 'reviewed', '', '', '', 0, 0, 0, COUNT(DISTINCT prediction), 0.0 FROM holding
UNION ALL
SELECT 'answer', label, true_label, verdict, at_random, in_doubt, bin, COUNT(*), SUM(confidence)
FROM decided WHERE place = 1 GROUP BY label, true_label, verdict, at_random, in_doubt, bin
UNION ALL
SELECT 'pair', a.said, b.said, a.person || ' ' || b.person, 0, 0, 0, COUNT(*), 0.0
FROM decided a JOIN decided b ON b.prediction = a.prediction AND b.person > a.person
GROUP BY a.said, b.said, a.person, b.person
"""
ERRORS = f"""
, errors AS MATERIALIZED (
    SELECT value - true_value AS error, true_value
    FROM (
        SELECT decided.*, ROW_NUMBER() OVER (PARTITION BY prediction ORDER BY review DESC) AS known
        FROM decided WHERE true_value BETWEEN -{MAX_FLOAT} AND {MAX_FLOAT} AND value BETWEEN -{MAX_FLOAT} AND {MAX_FLOAT}
    ) valued WHERE known = 1
),
span AS (SELECT MIN(error) AS low, MAX(error) AS high FROM errors)
SELECT -1, COUNT(*), AVG(ABS(error)), AVG(error * error), AVG(error),
       CASE WHEN MIN(true_value) < MAX(true_value) THEN VAR_POP(true_value) ELSE 0.0 END, MIN(error), MAX(error) FROM errors
UNION ALL
SELECT -2, COUNT(DISTINCT prediction), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 FROM holding
UNION ALL
SELECT CASE WHEN error >= high THEN {RESIDUAL_BINS} - 1 ELSE FLOOR((error - low) * {RESIDUAL_BINS} / (high - low)) END
       AS place, COUNT(*), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
FROM errors CROSS JOIN span WHERE high > low GROUP BY place
"""  # noqa: S608  the number is the one above


class Answers(NamedTuple):
    """How many answers of one kind were judged in one way; `sure` is the sum of their confidences."""

    label: str
    true_label: str
    verdict: str
    at_random: int
    in_doubt: int
    bin: int | None
    n: int
    sure: float | None


class Pair(NamedTuple):
    """How often one person said one thing and another person another of the same answer."""

    said: str
    other_said: str
    people: str
    n: int


class Counts(NamedTuple):
    reviewed: int
    answers: list[Answers]
    pairs: list[Pair]


class Errors(NamedTuple):
    """Sums over the errors of values; `variance` is the truths' own, of all of them and not of a sample."""

    reviewed: int
    n: int
    absolute: float | None
    squared: float | None
    mean: float | None
    variance: float | None
    low: float | None
    high: float | None
    histogram: Counter[int]


def count_reviews(reviews: QuerySet, *, picked_by: str = "") -> Counts:
    """Count the opinions on some answers; `reviews` are all of theirs, the withdrawn ones too."""
    rows = _ask(COUNTS, reviews, picked_by)
    return Counts(
        reviewed=next(row[7] for row in rows if row[0] == "reviewed"),
        answers=[Answers(*row[1:]) for row in rows if row[0] == "answer"],
        pairs=[Pair(row[1], row[2], row[3], row[7]) for row in rows if row[0] == "pair"],
    )


def sum_errors(reviews: QuerySet, *, picked_by: str = "") -> Errors:
    """Sum up the errors of some answers that are values; `reviews` are all of theirs, the withdrawn ones too."""
    rows = {int(row[0]): row[1:] for row in _ask(ERRORS, reviews, picked_by)}
    histogram = Counter[int]()
    for place, row in rows.items():
        if place >= 0:  # an error that rounding put beyond the last bin belongs to it
            histogram[min(place, RESIDUAL_BINS - 1)] += row[0]
    n, absolute, squared, mean, variance, low, high = rows[-1]
    return Errors(rows[-2][0], n, absolute, squared, mean, variance, low, high, histogram)


def _ask(select: str, reviews: QuerySet, picked_by: str) -> list[tuple[Any, ...]]:
    # The edges are compared, not computed with: 0.7 * 10 is more than 7.
    whens = [When(prediction__confidence__lte=edge, then=Value(number)) for number, edge in enumerate(EDGES[1:])]
    columns = reviews.order_by().annotate(
        holds=Case(When(withdrawn_at=None, then=1), default=0, output_field=IntegerField()),
        person=Cast("reviewer_id", CharField()),
        said=Case(When(true_label="", then=F("verdict")), default=F("true_label")),
        bin=Case(*whens, output_field=IntegerField()),
    )
    opinions, values = columns.values_list(*COLUMNS).query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(DECIDED.format(opinions=opinions) + select, [*values, picked_by])
        return cursor.fetchall()
