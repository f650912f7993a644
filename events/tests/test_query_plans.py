"""The index that serves each filter of deliveries on PostgreSQL, and the range of events that a filter by time reads."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from events.admin import DeliveryAdmin
from events.api.filters import MAX_DISORDER, DeliveryFilter
from events.deliveries import get_delivery_page, has_failed_delivery
from events.models import Delivery, Event
from events.tests.webhooks import make_webhook

ROWS = 4000
START = datetime(2026, 1, 15, tzinfo=UTC)  # one event per minute
COPY_EVENTS = """
INSERT INTO events_event (uuid, type, subject, key, user_id, created_at, is_fanned_out)
SELECT gen_random_uuid(), CASE WHEN g % 1000 = 7 THEN 'review.created' ELSE 'prediction.succeeded' END, g, g, %(user)s,
    %(start)s + g * interval '1 minute', true
FROM generate_series(1, %(rows)s) g
"""
COPY_DELIVERIES = """
INSERT INTO events_delivery (event_id, target, key, state, attempts, next_attempt_at, error, ended_at)
SELECT id, target, key, CASE WHEN target = 'jsonl' AND subject::int % 4 = 0 OR subject::int % 1000 = 9 THEN 'failed'
    ELSE 'delivered' END, 1, now(), '', now()
FROM events_event, (VALUES ('jsonl'), (%(target)s)) t (target)
"""
LATE = "created_after=2026-01-17T18:30:00Z"
EARLY = "created_before=2026-01-15T00:10:00Z"
INDEXES_BY_FILTER = {
    "": {"delivery_target_newest", "delivery_once"},
    "state=failed": {"delivery_target_failed"},
    "state=pending": {"delivery_pending"},
    "state=delivered": {"delivery_target_newest", "delivery_once"},
    "event=review.created": {"event_rare_type"},
    "event=prediction.succeeded": {"delivery_target_newest", "delivery_once"},
    "event=webhook.test": {"event_rare_type"},
    LATE: {"delivery_target_newest", "delivery_once"},
    EARLY: {"delivery_target_newest", "delivery_once"},
    f"state=failed&{LATE}": {"delivery_target_failed"},
    f"state=failed&{EARLY}": {"delivery_target_failed"},
    "state=failed&event=prediction.succeeded": {"delivery_target_failed"},
    "state=delivered&event=review.created": {"event_rare_type"},
    f"state=delivered&{EARLY}": {"delivery_target_newest", "delivery_once"},
}


def filter_deliveries(webhook, query):
    rows = Delivery.objects.filter(target=webhook.target).order_by("-event_id")
    return DeliveryFilter(QueryDict(query), rows).qs


def explain(statement):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.fixture
def webhook(user):
    """Return a webhook with many deliveries, of which few failed. Another target has many that failed."""
    webhook = make_webhook(user, "https://example.org/hook")
    parameters = {"user": user.pk, "start": START, "rows": ROWS, "target": webhook.target}
    with connection.cursor() as cursor:
        for statement in (COPY_EVENTS, COPY_DELIVERIES):
            cursor.execute(statement.replace(" % ", " %% "), parameters)
        for model in (Event, Delivery):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
    return webhook


@pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL")
def test_an_index_serves_each_filter_of_deliveries(webhook):
    problems = []
    for query, indexes in INDEXES_BY_FILTER.items():
        plan = filter_deliveries(webhook, query)[:51].explain()
        if not any(index in plan for index in indexes) or "Seq Scan" in plan:
            problems.append(f"{query}\n{plan}")
    assert not problems, "\n\n".join(problems)
    plan = filter_deliveries(webhook, "event=prediction.succeeded")[:51].explain()
    assert "SubPlan" in plan and "Nested Loop" not in plan and "Join" not in plan, plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL")
def test_an_index_serves_the_page_of_a_webhook_and_the_lists_of_the_admin(webhook):
    with CaptureQueriesContext(connection) as queries:
        assert has_failed_delivery(webhook)
        assert get_delivery_page(webhook, before=Event.objects.order_by("pk")[100].pk).rows
    plans = [explain(query["sql"]) for query in queries if "events_delivery" in query["sql"]]
    assert "delivery_target_failed" in plans[0]
    assert "Seq Scan" not in plans[1]
    assert "Join" not in plans[1]
    Delivery.objects.filter(target="jsonl").update(state="delivered")
    rows = DeliveryAdmin(Delivery, admin.site).get_queryset(SimpleNamespace(GET={})).select_related("event")
    indexes = {"failed": "delivery_failed_newest", "pending": "delivery_pending", "delivered": "events_delivery_pkey"}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_delivery")
    for state, index in indexes.items():
        assert index in rows.filter(state=state)[:50].explain(), state


@pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL")
def test_the_filters_find_the_same_deliveries_as_a_scan(webhook):
    rows = list(Delivery.objects.filter(target=webhook.target).select_related("event").order_by("-event_id"))
    late, early = START + timedelta(days=2, hours=18, minutes=30), START + timedelta(minutes=10)
    expected = {
        "state=failed": [row.pk for row in rows if row.state == "failed"],
        "event=review.created": [row.pk for row in rows if row.event.type == "review.created"],
        LATE: [row.pk for row in rows if row.event.created_at >= late],
        f"event=prediction.succeeded&{EARLY}": [
            row.pk for row in rows if row.event.created_at < early and row.event.type == "prediction.succeeded"
        ],
    }
    assert all(expected.values())
    assert {query: [row.pk for row in filter_deliveries(webhook, query)] for query in expected} == expected


@pytest.mark.django_db
def test_a_search_for_a_time_finds_events_whose_time_deviates_from_the_order_of_the_ids(user):
    minutes = [0, 12, 3, 20, 11, 30, 29, 60]
    Event.objects.bulk_create(
        Event(type="review.created", subject=str(minute), key="x", created_at=START + timedelta(minutes=minute))
        for minute in minutes
    )
    events = list(Event.objects.order_by("pk"))
    for minute in range(-5, 70, 5):
        moment = START + timedelta(minutes=minute)
        first = Event.objects.find_first_id(moment, margin=MAX_DISORDER)
        end = Event.objects.find_first_id(moment, margin=-MAX_DISORDER)
        assert all(event.created_at < moment for event in events if event.pk < first)
        assert all(event.created_at >= moment for event in events if event.pk >= end)
    assert Event.objects.find_first_id(START - timedelta(days=1), margin=MAX_DISORDER) == events[0].pk
    assert Event.objects.find_first_id(START + timedelta(days=1), margin=MAX_DISORDER) == events[-1].pk + 1


@pytest.mark.django_db
def test_a_search_for_a_time_without_events():
    assert Event.objects.find_first_id(START, margin=MAX_DISORDER) in (0, 1)
