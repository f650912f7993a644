"""Aggregate the reviews of a version in one statement: joining predictions and reviews is most of the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import Case, CharField, F, IntegerField, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from evaluation.sql.labels import COUNT_LABELS, build_labeled_expressions
from evaluation.sql.query import compile_query, execute_query
from inference.numbers import MAX_FLOAT

CONFIDENCE_EDGES = [number / 10 for number in range(11)]
CONFIDENCE_BINS = list(pairwise(CONFIDENCE_EDGES))
RESIDUAL_BINS = 20

# Columns of the expression `reviews`, and the fields that they are read from.
REVIEW_COLUMNS = {
    "review": "id",
    "prediction": "prediction_id",
    "verdict": "verdict",
    "true_label": "true_label",
    "true_value": "true_value",
    "picked_by": "picked_by",
    "label": "prediction__label",
    "confidence": "prediction__confidence",
    "value": "prediction__value",
    "is_active": "is_active",
    "reviewer": "reviewer_text",
    "rating": "rating",
    "bin": "bin",
}
LABEL_LIST_COLUMNS = {"labels": "prediction__output__labels", "true_labels": "true_labels"}
# `selected` has the active reviews of predictions that match `picked_by`. How a prediction was selected for review is
# looked up in all its reviews, including withdrawn ones. `decided` has the reviews that are correct or incorrect; the
# newest of each prediction has recency 1.
# PostgreSQL estimates that `<> 0` keeps most rows and `= 1` keeps almost none. With `= 1` on the flags it joined the pairs
# of reviews in a nested loop, which took minutes; with `<> 0` it uses a hash join.
DECIDED = """),
flagged AS (
    SELECT reviews.*,
           MAX(CASE WHEN picked_by = 'random' THEN 1 ELSE 0 END)
               OVER (PARTITION BY prediction) AS in_random_sample,
           MAX(CASE WHEN picked_by IN ('uncertain', 'margin') THEN 1 ELSE 0 END)
               OVER (PARTITION BY prediction) AS in_low_confidence_sample,
           MAX(CASE WHEN %s IN ('', picked_by) THEN 1 ELSE 0 END)
               OVER (PARTITION BY prediction) AS matches
    FROM reviews
),
selected AS MATERIALIZED (SELECT * FROM flagged WHERE is_active <> 0 AND matches <> 0),
decided AS MATERIALIZED (
    SELECT selected.*, ROW_NUMBER() OVER (PARTITION BY prediction ORDER BY review DESC) AS recency
    FROM selected WHERE verdict <> 'unsure'
)
"""
COUNT_REVIEWS = """
SELECT 'reviewed', '', '', '', 0, 0, 0, COUNT(DISTINCT prediction), 0.0 FROM selected
UNION ALL
SELECT 'verdict', label, true_label, verdict, in_random_sample, in_low_confidence_sample, bin, COUNT(*), SUM(confidence)
FROM decided WHERE recency = 1
GROUP BY label, true_label, verdict, in_random_sample, in_low_confidence_sample, bin
UNION ALL
SELECT 'agreement', a.rating, b.rating, a.reviewer || ' ' || b.reviewer, 0, 0, 0, COUNT(*), 0.0
FROM decided a JOIN decided b ON b.prediction = a.prediction AND b.reviewer > a.reviewer
GROUP BY a.rating, b.rating, a.reviewer, b.reviewer
"""
# The newest review with a true value counts: a later `correct` without one does not remove a measured value.
# Values above MAX_FLOAT, whose squares could overflow, are left out.
SUM_ERRORS = f"""
, errors AS MATERIALIZED (
    SELECT value - true_value AS error, true_value
    FROM (
        SELECT decided.*, ROW_NUMBER() OVER (PARTITION BY prediction ORDER BY review DESC) AS value_recency
        FROM decided WHERE true_value BETWEEN -{MAX_FLOAT} AND {MAX_FLOAT} AND value BETWEEN -{MAX_FLOAT} AND {MAX_FLOAT}
    ) measured WHERE value_recency = 1
),
span AS (SELECT MIN(error) AS low, MAX(error) AS high FROM errors)
SELECT -1, COUNT(*), AVG(ABS(error)), AVG(error * error), AVG(error),
       CASE WHEN MIN(true_value) < MAX(true_value) THEN VAR_POP(true_value) ELSE 0.0 END, MIN(error), MAX(error) FROM errors
UNION ALL
SELECT -2, COUNT(DISTINCT prediction), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0 FROM selected
UNION ALL
SELECT CASE WHEN error >= high THEN {RESIDUAL_BINS} - 1 ELSE FLOOR((error - low) * {RESIDUAL_BINS} / (high - low)) END
       AS number, COUNT(*), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
FROM errors CROSS JOIN span WHERE high > low GROUP BY number
"""  # noqa: S608  the numbers are constants of this project


class VerdictCount(NamedTuple):
    """Number of predictions with the same label, verdict, samples and confidence bin, and the sum of their confidences."""

    label: str
    true_label: str
    verdict: str
    in_random_sample: int
    in_low_confidence_sample: int
    bin: int | None
    n: int
    confidence_sum: float | None


class AgreementCount(NamedTuple):
    """Number of predictions by the ratings that two reviewers gave.

    A rating is the true label or the list of true labels, or the verdict if there is neither. `reviewers` identifies the
    pair of reviewers.
    """

    rating: str
    other_rating: str
    reviewers: str
    n: int


class LabelCount(NamedTuple):
    """Number of predictions for which a label is predicted, for which it is true, and for which it is both."""

    label: str
    predicted: int
    true: int
    both: int


class ReviewCounts(NamedTuple):
    """Counts of reviews.

    Args:
        labels, labeled: of a multi-label model: the labels, and the number of predictions with known true labels.
    """

    reviewed: int
    verdicts: list[VerdictCount]
    agreements: list[AgreementCount]
    labels: list[LabelCount]
    labeled: int


class ErrorSums(NamedTuple):
    """Aggregated errors (value minus true value). `true_variance` is the population variance of the true values."""

    reviewed: int
    n: int
    mean_absolute: float | None
    mean_squared: float | None
    mean: float | None
    true_variance: float | None
    low: float | None
    high: float | None
    histogram: Counter[int]


def count_reviews(reviews: QuerySet, *, picked_by: str = "", is_multi_label: bool = False) -> ReviewCounts:
    """Count reviews of predictions with labels.

    Args:
        reviews: all reviews of some predictions, including withdrawn ones.
        picked_by: count only predictions selected for review by this strategy; empty for all.
        is_multi_label: count the labels of each prediction too.
    """
    if is_multi_label:
        statement = build_labeled_expressions() + COUNT_REVIEWS + COUNT_LABELS
        rows = _aggregate_reviews(statement, reviews, picked_by, REVIEW_COLUMNS | LABEL_LIST_COLUMNS)
    else:
        rows = _aggregate_reviews(COUNT_REVIEWS, reviews, picked_by)
    return ReviewCounts(
        reviewed=next(row[7] for row in rows if row[0] == "reviewed"),
        verdicts=[VerdictCount(*row[1:]) for row in rows if row[0] == "verdict"],
        agreements=[AgreementCount(row[1], row[2], row[3], row[7]) for row in rows if row[0] == "agreement"],
        labels=[LabelCount(row[1], *row[4:7]) for row in rows if row[0] == "label"],
        labeled=sum(row[7] for row in rows if row[0] == "labeled"),
    )


def sum_errors(reviews: QuerySet, *, picked_by: str = "") -> ErrorSums:
    """Aggregate the errors of predictions with values. For the arguments, see `count_reviews`."""
    rows = {int(row[0]): row[1:] for row in _aggregate_reviews(SUM_ERRORS, reviews, picked_by)}
    histogram = Counter[int]()
    for number, row in rows.items():
        if number >= 0:  # rounding may put an error just beyond the last bin
            histogram[min(number, RESIDUAL_BINS - 1)] += row[0]
    n, mean_absolute, mean_squared, mean, true_variance, low, high = rows[-1]
    return ErrorSums(rows[-2][0], n, mean_absolute, mean_squared, mean, true_variance, low, high, histogram)


def _aggregate_reviews(
    statement: str, reviews: QuerySet, picked_by: str, columns: Mapping[str, str] = REVIEW_COLUMNS
) -> list[tuple[Any, ...]]:
    # Compare with the edges instead of multiplying: 0.7 * 10 is more than 7.
    bins = [When(prediction__confidence__lte=edge, then=Value(number)) for number, edge in enumerate(CONFIDENCE_EDGES[1:])]
    rows = reviews.order_by().annotate(
        is_active=Case(When(withdrawn_at=None, then=1), default=0, output_field=IntegerField()),
        reviewer_text=Cast("reviewer_id", CharField()),
        rating=Case(
            When(true_labels__isnull=False, then=Cast("true_labels", TextField())),
            When(true_label="", then=F("verdict")),
            default=F("true_label"),
            output_field=TextField(),
        ),
        bin=Case(*bins, output_field=IntegerField()),
    )
    query, parameters = compile_query(rows.values_list(*columns.values()))
    prefix = f"WITH reviews ({', '.join(columns)}) AS MATERIALIZED ("
    return execute_query(prefix + query + DECIDED + statement, [*parameters, picked_by])
