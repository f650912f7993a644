"""Two versions side by side, on the inputs that both answered and whose truth somebody said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection

from accounts.permissions import is_reviewer
from evaluation.sql import MAX_FLOAT
from evaluation.statistics import Share, mcnemar, ratio, wilson
from registry.models import ModelVersion

# An input is the same when its bytes are: everybody who asks makes a row of their own. Of several answers of a version to
# it the newest counts, and of several truths the one that was said last, about either version's answer.
ON_THE_SAME = """
WITH truths AS MATERIALIZED (
    SELECT i.sha256, r.true_label, r.true_value, ROW_NUMBER() OVER (PARTITION BY i.sha256 ORDER BY r.id DESC) AS place
    FROM predictions_review r
    JOIN predictions_prediction p ON p.id = r.prediction_id
    JOIN predictions_input i ON i.id = p.input_id
    WHERE r.withdrawn_at IS NULL AND r.verdict <> 'unsure' AND p.model_version_id IN (%(one)s, %(other)s) AND {known} {mine}
), answers AS (
    SELECT t.sha256, t.true_label, t.true_value, p.model_version_id AS version, p.label, p.value,
           ROW_NUMBER() OVER (PARTITION BY t.sha256, p.model_version_id ORDER BY p.id DESC) AS place
    FROM truths t
    JOIN predictions_input i ON i.sha256 = t.sha256
    JOIN predictions_prediction p ON p.input_id = i.id
    WHERE t.place = 1 AND p.status = 'succeeded' AND p.model_version_id IN (%(one)s, %(other)s) {mine}
), pairs AS (
    SELECT MAX(true_label) AS true_label,
           MAX(true_value) AS true_value,
           MAX(CASE WHEN version = %(one)s THEN label END) AS label,
           MAX(CASE WHEN version = %(other)s THEN label END) AS other_label,
           MAX(CASE WHEN version = %(one)s THEN value END) AS value,
           MAX(CASE WHEN version = %(other)s THEN value END) AS other_value
    FROM answers WHERE place = 1 GROUP BY sha256
    HAVING COUNT(DISTINCT version) = {versions}
)
"""
LABELS = """
SELECT COUNT(*),
       COALESCE(SUM(CASE WHEN label = true_label AND other_label = true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label = true_label AND other_label <> true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label <> true_label AND other_label = true_label THEN 1 ELSE 0 END), 0),
       COALESCE(SUM(CASE WHEN label = other_label THEN 1 ELSE 0 END), 0)
FROM pairs
"""
VALUES = f"""
SELECT COUNT(*), AVG(ABS(value - true_value)), AVG(ABS(other_value - true_value)), AVG(ABS(value - other_value))
FROM pairs WHERE ABS(value) <= {MAX_FLOAT} AND ABS(other_value) <= {MAX_FLOAT}
"""  # noqa: S608  the number is a constant


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions on the same `n` inputs.

    Args:
        accuracy: of the one version; `other_accuracy` of the other; None for values.
        both, only_one, only_other, neither: how many inputs who got right.
        alike: share of the inputs that both answered the same.
        p: how likely so uneven a split would be if both were equally good.
        mae, other_mae: mean absolute errors of values; `apart` is how far the two are from each other.
    """

    one: int
    other: int
    n: int
    accuracy: Share
    other_accuracy: Share
    both: int = 0
    only_one: int = 0
    only_other: int = 0
    neither: int = 0
    alike: float | None = None
    p: float | None = None
    mae: float | None = None
    other_mae: float | None = None
    apart: float | None = None


def compare(one: ModelVersion, other: ModelVersion, *, reader: AbstractBaseUser | AnonymousUser) -> Comparison:
    """Return two versions of a model side by side, over one's own inputs, and everybody's for reviewers."""
    if one.labels:
        return _of_labels(one, other, _ask(LABELS, one, other, reader))
    n, mae, other_mae, apart = _ask(VALUES, one, other, reader)
    none = wilson(0, 0)
    return Comparison(one.number, other.number, n, none, none, mae=mae, other_mae=other_mae, apart=apart)


def _of_labels(one: ModelVersion, other: ModelVersion, counts: tuple[Any, ...]) -> Comparison:
    n, both, only_one, only_other, alike = counts
    return Comparison(
        one.number,
        other.number,
        n,
        wilson(both + only_one, n),
        wilson(both + only_other, n),
        both=both,
        only_one=only_one,
        only_other=only_other,
        neither=n - both - only_one - only_other,
        alike=ratio(alike, n),
        p=mcnemar(only_one, only_other),
    )


def _ask(select: str, one: ModelVersion, other: ModelVersion, reader: Any) -> tuple[Any, ...]:
    mine = "" if is_reviewer(reader) else "AND p.user_id = %(reader)s"
    known = "r.true_label <> ''" if one.labels else f"r.true_value BETWEEN -{MAX_FLOAT} AND {MAX_FLOAT}"
    key: Any = ModelVersion._meta.pk
    values = {"one": one.pk, "other": other.pk, "reader": reader.pk}
    prepared = {name: key.get_db_prep_value(value, connection) for name, value in values.items()}
    with connection.cursor() as cursor:
        cursor.execute(ON_THE_SAME.format(mine=mine, known=known, versions=len({one.pk, other.pk})) + select, prepared)
        return cursor.fetchone()
