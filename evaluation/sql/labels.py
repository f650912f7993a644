"""SQL for lists of labels in JSON columns, of multi-label predictions and their reviews."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Func, TextField

# One row per label of a list, in the column `item.value`.
LABEL_ROWS = {
    "sqlite": "JSON_EACH({}) AS item",
    "postgresql": "JSONB_ARRAY_ELEMENTS_TEXT({}) AS item(value)",
}
# `labeled` has the predictions whose true labels are known; `label_pairs` has one row per prediction and label that is
# predicted, true, or both. They follow the expressions in `evaluation.sql.reviews`.
LABELED = """
, labeled AS MATERIALIZED (
    SELECT prediction, labels, COALESCE(true_labels, labels) AS true_labels
    FROM decided WHERE recency = 1 AND labels IS NOT NULL AND (true_labels IS NOT NULL OR verdict = 'correct')
),
label_pairs AS (
    SELECT prediction, label, MAX(is_predicted) AS is_predicted, MAX(is_true) AS is_true
    FROM (
        SELECT prediction, item.value AS label, 1 AS is_predicted, 0 AS is_true FROM labeled CROSS JOIN {label_rows}
        UNION ALL
        SELECT prediction, item.value, 0, 1 FROM labeled CROSS JOIN {true_label_rows}
    ) items GROUP BY prediction, label
)
"""
# The columns are those of COUNT_REVIEWS.
COUNT_LABELS = """
UNION ALL
SELECT 'labeled', '', '', '', 0, 0, 0, COUNT(*), 0.0 FROM labeled
UNION ALL
SELECT 'label', label, '', '', SUM(is_predicted), SUM(is_true), SUM(is_predicted * is_true), 0, 0.0
FROM label_pairs GROUP BY label
"""


class SortedLabels(Func):
    """A list of labels as text in alphabetical order: equal sets have equal texts, whatever the order of the version."""

    arity = 1
    output_field = TextField()
    template = (
        "(SELECT COALESCE(JSONB_AGG(value ORDER BY value), '[]')::text "
        "FROM JSONB_ARRAY_ELEMENTS_TEXT(%(expressions)s) AS item(value))"
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "(SELECT JSON_GROUP_ARRAY(value) FROM (SELECT value FROM JSON_EACH(%(expressions)s) ORDER BY value) AS item)"
        )
        return self.as_sql(compiler, connection, template=template, **context)


def build_labeled_expressions() -> str:
    """Return the common table expressions that `COUNT_LABELS` reads."""
    label_rows = LABEL_ROWS[connection.vendor]
    return LABELED.format(label_rows=label_rows.format("labels"), true_label_rows=label_rows.format("true_labels"))
