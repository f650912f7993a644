"""SQL of the review summaries: computed from reviews, or read from their table.

As in `evaluation.sql`, compiled querysets are common table expressions, and the literal SQL uses only their columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection
from django.db.models import Case, CharField, Exists, F, IntegerField, OuterRef, Q, QuerySet, TextField, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from core.fields import get_first_id
from core.sql import execute_query
from inference.numbers import MAX_FLOAT
from predictions.models import Prediction, Review, ReviewSummary, SummaryProgress
from predictions.models.summaries import PICKED_BY_BITS
from registry.models import MULTI_LABEL_TASKS, ModelVersion

REVIEWS = "reviews"  # the name of the row of SummaryProgress for review summaries
REPEATED_INPUTS = "repeated inputs"  # the name of the row for the predictions that have marked summaries of the same input
CHANGED_IDS = RawSQL("SELECT prediction FROM changed", [])
# Not computed: these columns are set later.
LATER_FIELDS = ("is_frozen", "sha256", "is_repeated")
SUMMARY_COLUMNS = [str(field.column) for field in ReviewSummary._meta.concrete_fields if field.name not in LATER_FIELDS]
# The columns of a summary that are those of its prediction, and the fields that they are read from.
PREDICTION_FIELDS = {
    "prediction_id": "prediction_id",
    "model_version_id": "prediction__model_version",
    "user_id": "prediction__user",
    "created_at": "prediction__created_at",
    "label": "label_text",
    "confidence": "prediction__confidence",
    "value": "prediction__value",
}
REVIEW_FIELDS = {
    "review": "id",
    "verdict": "verdict",
    "true_label": "true_label_text",
    "true_value": "true_value",
    "picked_by": "picked_by",
    "reviewer": "reviewer_text",
    "rating": "rating",
    "is_active": "is_active",
    "is_decided": "is_decided",
    "is_measured": "is_measured",
}
JSON_FUNCTIONS = {
    "postgresql": ("JSONB_AGG", "JSONB_BUILD_ARRAY"),
    "sqlite": ("JSON_GROUP_ARRAY", "JSON_ARRAY"),
}
# The newest decided review of a prediction is effective. The newest one with a true value counts for regression: a later
# `correct` without one does not remove a measured value. How a prediction was selected for review is looked up in all its
# reviews, including withdrawn ones.
SUMMARIZE = """
, ranked AS (
    SELECT reviews.*,
           ROW_NUMBER() OVER (PARTITION BY prediction_id ORDER BY is_decided DESC, review DESC) AS recency,
           ROW_NUMBER() OVER (PARTITION BY prediction_id ORDER BY is_measured DESC, review DESC) AS value_recency
    FROM reviews
),
computed ({columns}) AS (
    SELECT {prediction_columns},
           MAX(CASE WHEN is_decided = 1 AND recency = 1 THEN verdict ELSE '' END),
           MAX(CASE WHEN is_decided = 1 AND recency = 1 THEN true_label ELSE '' END),
           MAX(CASE WHEN is_measured = 1 AND value_recency = 1 THEN true_value END),
           {picked_by},
           CASE WHEN SUM(is_decided) > 1
                THEN CAST({aggregate}({array}(reviewer, rating)) FILTER (WHERE is_decided = 1) AS TEXT) ELSE '' END
    FROM ranked GROUP BY {prediction_columns} HAVING MAX(is_active) = 1
)
"""


def build_computed(reviews: QuerySet) -> tuple[str, Sequence[Any]]:
    """Return the common table expressions of `computed`, the summaries of the predictions of some reviews.

    Args:
        reviews: all reviews of some succeeded predictions, including withdrawn ones.
    """
    is_decided = Q(withdrawn_at=None, verdict__in=["correct", "incorrect"])
    measured = Q(true_value__range=(-MAX_FLOAT, MAX_FLOAT), prediction__value__range=(-MAX_FLOAT, MAX_FLOAT))
    is_multi_label = Q(prediction__model_version__model__task__in=MULTI_LABEL_TASKS)
    labels_text = Cast("true_labels", TextField())
    rows = reviews.order_by().annotate(
        is_active=_build_flag(Q(withdrawn_at=None)),
        is_decided=_build_flag(is_decided),
        is_measured=_build_flag(is_decided & measured),
        reviewer_text=Cast("reviewer_id", CharField()),
        label_text=Case(
            When(is_multi_label, then=Cast("prediction__output__labels", TextField())),
            default=Cast("prediction__label", TextField()),
            output_field=TextField(),
        ),
        true_label_text=Case(When(true_labels__isnull=False, then=labels_text), default=Cast("true_label", TextField())),
        rating=Case(
            When(true_labels__isnull=False, then=labels_text),
            When(true_label="", then=F("verdict")),
            default=F("true_label"),
            output_field=TextField(),
        ),
    )
    fields = PREDICTION_FIELDS | REVIEW_FIELDS
    query, parameters = rows.values_list(*fields.values()).query.sql_with_params()
    aggregate, array = JSON_FUNCTIONS[connection.vendor]
    bits = (f"MAX(CASE WHEN picked_by = '{name}' THEN {bit} ELSE 0 END)" for name, bit in PICKED_BY_BITS.items())
    summarize = SUMMARIZE.format(
        columns=", ".join(SUMMARY_COLUMNS),
        prediction_columns=", ".join(PREDICTION_FIELDS),
        picked_by=" + ".join(bits),
        aggregate=aggregate,
        array=array,
    )
    return f"reviews ({', '.join(fields)}) AS MATERIALIZED (" + query + ")" + summarize, parameters


def build_summaries(*, reader: AbstractBaseUser | AnonymousUser | None = None, **filters: Any) -> tuple[str, list[Any]]:
    """Return the beginning of a statement whose common table expression `summaries` has the summaries of predictions.

    They are read from the table, except those of predictions with a review that was stored or withdrawn after the last
    update of the table: these are computed. So the summaries are those of all reviews that are stored when it runs. Frozen
    summaries are never computed.

    Args:
        reader: users get the summaries of their own predictions, reviewers those of all predictions. None: all.
        filters: conditions for fields of predictions that are also fields of summaries.
    """
    all_reviews, stored = Review.objects.all(), ReviewSummary.objects.all()
    if reader is not None:
        all_reviews, stored = Review.objects.visible_to(reader), ReviewSummary.objects.visible_to(reader)
    reviews = _filter_reviews(all_reviews, filters)
    until = SummaryProgress.get_until(REVIEWS)
    if until is None:
        computed, parameters = build_computed(reviews)
        return f"WITH {computed}, summaries AS (SELECT * FROM computed)", [*parameters]  # noqa: S608  compiled queries
    recent, parameters = _build_recent(reviews, until)
    stored = stored.filter(~Q(prediction__in=CHANGED_IDS), **filters)
    stored_query, stored_parameters = stored.values_list(*SUMMARY_COLUMNS).query.sql_with_params()
    summaries = f"summaries ({', '.join(SUMMARY_COLUMNS)}) AS (SELECT * FROM computed UNION ALL {stored_query})"  # noqa: S608
    return f"{recent}, {summaries}", [*parameters, *stored_parameters]


def count_reviewed(**filters: Any) -> int:
    """Return the number of succeeded predictions with an active review. For the filters, see `build_summaries`.

    All stored summaries are counted, from an index alone, and those that are out of date are subtracted.
    """
    until = SummaryProgress.get_until(REVIEWS)
    reviews = _filter_reviews(Review.objects.all(), filters)
    if until is None:
        computed, parameters = build_computed(reviews)
        return int(execute_query(f"WITH {computed} SELECT COUNT(*) FROM computed", parameters)[0][0])  # noqa: S608
    recent, parameters = _build_recent(reviews, until)
    stored = ReviewSummary.objects.filter(**filters).order_by().values_list("created_at")
    changed = stored.filter(prediction__in=CHANGED_IDS)
    stored_query, stored_parameters = stored.query.sql_with_params()
    changed_query, changed_parameters = changed.query.sql_with_params()
    counts = f"""SELECT (SELECT COUNT(*) FROM computed) + (SELECT COUNT(*) FROM ({stored_query}) stored)
        - (SELECT COUNT(*) FROM ({changed_query}) outdated)"""  # noqa: S608  compiled queries
    count: int = execute_query(f"{recent} {counts}", [*parameters, *stored_parameters, *changed_parameters])[0][0]
    return count


def narrow_to_repeated(reviews: QuerySet, versions: Sequence[ModelVersion]) -> QuerySet:
    """Leave out most reviews of other versions' predictions, and of inputs with one prediction, which cannot be compared.

    It reads the table of summaries, and of predictions only the newest: about 450 ms of CPU less for the page with 16,000
    reviews and 1,000,000 predictions. Reviews that were stored or withdrawn after the last update of the table remain.
    """
    until = SummaryProgress.get_until(REVIEWS)
    if until is None:
        return reviews
    stored = ReviewSummary.objects.filter(model_version__in=versions).order_by()
    changed = Review.objects.filter(Q(id__gte=get_first_id(until)) | Q(withdrawn_at__gte=until)).order_by()
    repeated = [stored.filter(Q(is_repeated=True) | Q(is_repeated=None))]
    marked_until = SummaryProgress.get_until(REPEATED_INPUTS)
    if marked_until is None:
        repeated = [stored]
    else:
        recent = Prediction.objects.filter(id__gte=get_first_id(marked_until)).order_by()
        repeated += [stored.filter(is_repeated=False, sha256__in=recent.values("input__sha256"))]
    ids = (rows.values("prediction") for rows in repeated)
    return reviews.filter(prediction__in=changed.values("prediction").union(*ids))


def _filter_reviews(reviews: QuerySet, filters: dict[str, Any]) -> QuerySet:
    conditions = {f"prediction__{name}": value for name, value in filters.items()}
    return reviews.filter(prediction__status=Prediction.Status.SUCCEEDED, **conditions)


def _build_recent(reviews: QuerySet, until: datetime) -> tuple[str, list[Any]]:
    """Return the beginning of a statement with `changed`, and with `computed`, the summaries of these predictions."""
    changed, changed_parameters = _build_changed(until)
    computed, parameters = build_computed(reviews.filter(prediction__in=CHANGED_IDS))
    return f"WITH changed (prediction) AS MATERIALIZED ({changed}), {computed}", [*changed_parameters, *parameters]


def _build_changed(since: datetime) -> tuple[str, list[Any]]:
    """Return a query for the ids of predictions with a review that was stored or withdrawn since a time."""
    is_frozen = Exists(ReviewSummary.objects.filter(prediction=OuterRef("prediction"), is_frozen=True))
    stored, withdrawn = (
        rows.filter(~is_frozen).order_by().values_list("prediction_id").query.sql_with_params()
        for rows in (Review.objects.filter(id__gte=get_first_id(since)), Review.objects.filter(withdrawn_at__gte=since))
    )
    return f"{stored[0]} UNION {withdrawn[0]}", [*stored[1], *withdrawn[1]]


def _build_flag(condition: Q) -> Case:
    return Case(When(condition, then=1), default=0, output_field=IntegerField())
