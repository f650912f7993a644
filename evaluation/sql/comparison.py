"""Aggregate the predictions of two versions for the same inputs in one statement."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, When, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber

from core.sql import execute_query
from evaluation.sql.labels import SortedLabels
from inference.numbers import MAX_FLOAT
from registry.models import ModelVersion

# The inputs of reviews are looked up one by one, see `_aggregate_pairs`, and once, not again in the window function.
TRUE_OUTPUTS = """WITH reviewed (sha256, true_label, true_value, review) AS MATERIALIZED ({reviews}),
true_outputs AS MATERIALIZED (
    SELECT sha256, true_label, true_value, ROW_NUMBER() OVER (PARTITION BY sha256 ORDER BY review DESC) AS recency
    FROM reviewed WHERE sha256 IS NOT NULL
),
outputs (sha256, side, label, value, recency) AS ("""
# Side 0 is the true output of an input, side 1 the first version, side 2 the second. The rows are grouped, not joined: from
# its estimate that `recency = 1` keeps almost no rows, PostgreSQL would choose a nested loop.
PAIRS = """),
pairs AS (
    SELECT MAX(CASE WHEN side = 0 THEN label END) AS true_label,
           MAX(CASE WHEN side = 0 THEN value END) AS true_value,
           MAX(CASE WHEN side = 1 THEN label END) AS label,
           MAX(CASE WHEN side = 1 THEN value END) AS value,
           MAX(CASE WHEN side = 2 THEN label END) AS other_label,
           MAX(CASE WHEN side = 2 THEN value END) AS other_value
    FROM (
        SELECT sha256, 0 AS side, true_label AS label, true_value AS value FROM true_outputs WHERE recency = 1
        UNION ALL
        SELECT sha256, side, label, value FROM outputs WHERE recency = 1
    ) newest GROUP BY sha256 HAVING COUNT(*) = 3
)
"""
COMPARE_LABELS = """
SELECT COUNT(*),
       COALESCE(SUM(CASE WHEN label = true_label AND other_label = true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label = true_label AND other_label <> true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label <> true_label AND other_label = true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label = other_label THEN 1 ELSE 0 END), 0)
FROM pairs
"""
COMPARE_VALUES = f"""
SELECT COUNT(*), AVG(ABS(value - true_value)), AVG(ABS(other_value - true_value)), AVG(ABS(value - other_value))
FROM pairs WHERE ABS(value) <= {MAX_FLOAT} AND ABS(other_value) <= {MAX_FLOAT}
"""  # noqa: S608  the number is a constant of this project


class LabelComparison(NamedTuple):
    """Number of inputs: all, by which version predicted them correctly, and with the same label of both versions."""

    n: int
    both: int
    only_first: int
    only_second: int
    same: int


class ValueComparison(NamedTuple):
    """Number of inputs, the mean absolute error of each version, and the mean absolute difference of their values."""

    n: int
    mae: float | None
    other_mae: float | None
    mean_difference: float | None


def compare_labels(reviews: QuerySet, predictions: QuerySet, *, first: ModelVersion) -> LabelComparison:
    """Compare the labels that two versions predicted for the same inputs.

    Args:
        reviews: reviews with a true label, also of predictions of other versions.
        predictions: predictions of two versions.
        first: one of the two versions.
    """
    return LabelComparison(*_aggregate_pairs(COMPARE_LABELS, reviews, predictions, first))


def compare_label_lists(reviews: QuerySet, predictions: QuerySet, *, first: ModelVersion) -> LabelComparison:
    """Compare the lists of labels that two versions predicted for the same inputs. Their order has no influence.

    Args:
        reviews: reviews with true labels.
        predictions, first: as in `compare_labels`.
    """
    expressions = SortedLabels("true_labels"), SortedLabels("output__labels")
    return LabelComparison(*_aggregate_pairs(COMPARE_LABELS, reviews, predictions, first, expressions))


def compare_values(reviews: QuerySet, predictions: QuerySet, *, first: ModelVersion) -> ValueComparison:
    """Compare the values that two versions predicted for the same inputs.

    Args:
        reviews: reviews with a true value.
        predictions, first: as in `compare_labels`.
    """
    return ValueComparison(*_aggregate_pairs(COMPARE_VALUES, reviews, predictions, first))


def _aggregate_pairs(
    statement: str,
    reviews: QuerySet,
    predictions: QuerySet,
    first: ModelVersion,
    labels: tuple[Any, Any] = ("true_label", "label"),
) -> tuple[Any, ...]:
    """Run a statement that reads `pairs`.

    Args:
        labels: the field or expression of the true label of a review, and of the predicted label of a prediction.
    """
    true_label, label = labels
    # As a scalar subquery. PostgreSQL would read all predictions for a join.
    reviewed_inputs = predictions.filter(pk=OuterRef("prediction")).order_by().values("input__sha256")
    true_outputs = reviews.order_by().values_list(Subquery(reviewed_inputs), true_label, "true_value", "id")
    side = Case(When(model_version=first, then=1), default=2, output_field=IntegerField())
    outputs = (
        predictions.filter(input__sha256__in=RawSQL("SELECT sha256 FROM true_outputs", []))
        .order_by()
        .values_list("input__sha256", side, label, "value", _rank_newest("input__sha256", "model_version"))
    )
    true_query, true_parameters = true_outputs.query.sql_with_params()
    query, parameters = outputs.query.sql_with_params()
    sql = TRUE_OUTPUTS.replace("{reviews}", true_query) + query + PAIRS + statement
    return execute_query(sql, [*true_parameters, *parameters])[0]


def _rank_newest(*fields: str) -> Window:
    """Return the position of a row among those with the same values of these fields, from 1, the newest first."""
    return Window(RowNumber(), partition_by=[F(field) for field in fields], order_by=F("id").desc())
