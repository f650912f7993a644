"""The index that serves each filter, review strategy, and admin list on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.admin import site
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from predictions.filters import PredictionFilter
from predictions.id_ranges import find_deviating
from predictions.models import Input, Prediction, Review
from predictions.review_strategies import ReviewQueue
from predictions.sorting import get_sorted_page
from predictions.tests.factories import make_prediction
from registry.services import register_model

ROWS = 3000
START = datetime(2026, 1, 15, 12, tzinfo=UTC)
# Copies of one input and one prediction, one per minute.
TIMES = "generate_series(1, %(rows)s) g, LATERAL (SELECT %(start)s + 60000 * g::bigint AS ms) t"
INPUT_ID = "(lpad(to_hex(ms), 12, '0') || '7000' || lpad(to_hex(g), 16, '8'))::uuid"
COPY_INPUTS = f"""
INSERT INTO predictions_input (id, user_id, kind, image, sha256, content_type, size, original_name, created_at)
SELECT {INPUT_ID}, user_id, kind, image, md5(g::text), content_type, size, original_name, to_timestamp(ms / 1000.0)
FROM (SELECT * FROM predictions_input WHERE id = %(input)s) i, {TIMES}
"""
COPY_PREDICTIONS = f"""
INSERT INTO predictions_prediction (id, input_id, model_version_id, user_id, status, source, output, label, confidence,
    margin, warnings, error_code, error_message, client_reference, created_at, completed_at)
SELECT {INPUT_ID.replace("7000", "7001")}, {INPUT_ID},
    CASE WHEN g %% 2 = 0 THEN model_version_id ELSE %(second)s END, user_id, status, source, output,
    CASE WHEN g < %(rows)s / 2 THEN 'old' ELSE label END,
    (g * 7919 %% %(rows)s) / (2.0 * %(rows)s), (g * 7919 %% %(rows)s) / (2.0 * %(rows)s), warnings, error_code,
    error_message, '', to_timestamp(ms / 1000.0), completed_at
FROM (SELECT * FROM predictions_prediction WHERE id = %(prediction)s) p, {TIMES}
"""
ADD_REVIEWS = """
INSERT INTO predictions_review (id, prediction_id, reviewer_id, verdict, true_label, comment, picked_by, created_at)
SELECT id, id, user_id, 'incorrect', 'white', '', 'random', created_at FROM predictions_prediction WHERE confidence < 0.05
"""
INDEX_BY_FILTER = {
    "model=shades:3": "prediction_version_id",
    "version=3": "prediction_version_id",
    "label=none": "prediction_label_id",
    "label=old": "prediction_label_id",  # PostgreSQL expects many such rows, but the newest ones have another label
    "status=failed": "rare_status",
    "source=v2": "prediction_source_id",
    "error_code=none": "rare_error_code",
    "client_reference=none": "rare_client_reference",
    "min_confidence=0.9": "prediction_confidence_id",
    "max_confidence=0.0001": "prediction_confidence_id",
    "created_after=2030-01-01": "predictions_prediction_pkey",
    "created_before=2026-01-15T13:00:00": "predictions_prediction_pkey",
    "reviewed=true": "review_one_active_per_reviewer",
    "reviewed=false": "review_one_active_per_reviewer",
    "verdict=unsure": "review_active_verdict",
    "true_label=black": "review_true_label",
    "picked_by=manual": "review_picked_by",
    "batch_job=01a21400-0000-7000-8000-000000000000": "batchjobitem_job_prediction",
    "user=eve": "prediction_user_id",
    "search=scan-1": "rare_client_reference",
    "search=rare": "input_name",
    "tag=none": "tag_name_prediction",
    "label=none&label=old": "prediction_label_id",
    "verdict=unsure&verdict=correct": "review_active_verdict",
    "user=eve&user=nobody": "prediction_user_id",
    "id=01a21400-0000-7000-8000-000000000000": "predictions_prediction_pkey",
}
QUERIES_WITHOUT_ROWS = [
    "model=shades&label=old",  # no version has this label
    "version=1&label=old",
    "model=shades&label=old&label=none",
    "status=failed&label=black",  # only succeeded predictions have an output and reviews
    "status=failed&status=queued&min_confidence=0.5",
    "status=canceled&reviewed=false",
]
INDEX_BY_STRATEGY = {
    "random": "prediction_shuffled",
    "uncertain": "prediction_version_confidence",
    "margin": "prediction_margin",
    "label": "prediction_label_id",
    "newest": "predictions_prediction_pkey",  # the newest predictions of the version are the newest of the table
}
INDEX_BY_INPUT_LIST = {
    "kind": ({"kind": "text"}, "input_kind_id"),
    "user": ({"user": "01a21400-0000-7000-8000-000000000000"}, "input_user_id"),
}

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL")


@pytest.fixture
def many(shades, write_dummy, user, other):
    """Return one of two versions that made 3,000 predictions. A few belong to another user or a third version."""
    first = make_prediction(user)
    make_prediction(other, name="rare.png", client_reference="scan-1")
    second, third = (register_model(path=write_dummy()) for _ in range(2))
    make_prediction(user, model=str(third))
    parameters = {"rows": ROWS, "start": int(START.timestamp() * 1000), "second": second.pk}
    parameters |= {"input": first.input_id, "prediction": first.pk}
    with connection.cursor() as cursor:
        for statement in (COPY_INPUTS, COPY_PREDICTIONS, ADD_REVIEWS):
            cursor.execute(statement, parameters)
        for model in (Input, Prediction, Review):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
    return shades


def find_problem(queryset, index):
    """Return the plan of the first page if it does not use an index or reads a whole table."""
    plan = queryset[:25].explain()
    whole_tables = [f"Seq Scan on predictions_{name}" for name in ("prediction", "input")]
    return "" if index in plan and not any(text in plan for text in whole_tables) else plan


def test_an_index_serves_each_filter(many, reviewer):
    request = SimpleNamespace(user=reviewer)
    rows = Prediction.objects.visible_to(reviewer).order_by("-id")
    filtersets = {query: PredictionFilter(QueryDict(query), rows, request=request) for query in INDEX_BY_FILTER}
    assert {name for query in filtersets for name in QueryDict(query)} == set(filtersets["label=none"].filters)
    problems = {query: find_problem(filterset.qs, INDEX_BY_FILTER[query]) for query, filterset in filtersets.items()}
    assert not any(problems.values()), "\n\n".join(f"{query}\n{plan}" for query, plan in problems.items() if plan)


@pytest.mark.parametrize("query", QUERIES_WITHOUT_ROWS)
def test_filters_that_exclude_each_other_read_no_predictions(many, reviewer, query):
    rows = PredictionFilter(QueryDict(query), Prediction.objects.order_by("-id"), request=SimpleNamespace(user=reviewer)).qs
    assert rows.query.is_empty()


def test_the_list_of_a_day_is_read_in_its_order(many):
    rows = Prediction.objects.created_in(start=START, end=START + timedelta(days=1)).with_related().order_by("-id")
    plan = rows[:25].explain()
    assert "Index Scan Backward using predictions_prediction_pkey" in plan and "Sort" not in plan, plan


def test_an_index_serves_the_search_for_deviating_times(many):
    plan = find_deviating(Prediction)[:1].explain()
    assert "prediction_deviating_time" in plan, plan


def test_an_index_serves_each_page_of_a_list_by_confidence(many, reviewer):
    rows = Prediction.objects.visible_to(reviewer)
    middle = rows.filter(confidence__gt=0.25).first().pk
    statements = []
    for sort in ("confidence", "-confidence"):
        for page in ({}, {"older_than": str(middle)}, {"newer_than": str(middle)}):
            with CaptureQueriesContext(connection) as queries:
                get_sorted_page(rows, sort=sort, size=25, **page)
            statements.append(queries[-1]["sql"])
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "prediction_confidence_id" in plan and "Sort" not in plan and "Seq Scan" not in plan, plan


@pytest.mark.parametrize("order", ["3", "-3"])
def test_an_index_serves_the_admin_list_by_confidence(many, reviewer, rf, order):
    request = rf.get("/", {"o": order})
    request.user = reviewer
    change_list = site.get_model_admin(Prediction).get_changelist_instance(request)
    assert change_list.list_display[3] == "confidence_text"
    plan = change_list.queryset[:25].explain()
    assert "prediction_confidence_id" in plan and "Sort" not in plan, plan


def test_lists_by_verdict_start_at_the_newest_such_review(many):
    for rows in (Prediction.objects.unanimously_correct(), Prediction.objects.unanimously_incorrect()):
        plan = rows.order_by("-id")[:25].explain()
        assert "InitPlan" in plan and "review_active_verdict" in plan, plan


def test_a_list_in_another_order_is_found_before_it_is_sorted(many):
    labeled = Prediction.objects.matching(label="black")
    for rows in (ReviewQueue(None, "uncertain", filtered=labeled).get_predictions(), labeled.order_by("-id").fetch_first(9)):
        plan = rows.order_by()[:1].explain()
        assert "= ANY ($" in plan and "Semi Join" not in plan, plan


def test_an_index_serves_each_review_strategy(many):
    queues = {strategy: ReviewQueue(many, strategy, "none" if strategy == "label" else "") for strategy in INDEX_BY_STRATEGY}
    problems = {name: find_problem(queue.get_predictions(), INDEX_BY_STRATEGY[name]) for name, queue in queues.items()}
    assert not any(problems.values()), "\n\n".join(f"{name}\n{plan}" for name, plan in problems.items() if plan)


@pytest.mark.parametrize("name", INDEX_BY_INPUT_LIST)
def test_an_index_serves_each_list_of_inputs(many, name):
    condition, index = INDEX_BY_INPUT_LIST[name]
    plan = find_problem(Input.objects.matching(**condition).order_by("-id"), index)
    assert not plan, plan
