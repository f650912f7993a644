"""Filters of webhooks and of their deliveries in the REST API."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from core.tests.problems import assert_problem
from events.models import Event
from events.services.webhooks import send_test_event
from events.tests.webhooks import SUCCEEDED, make_deliveries, make_webhook

pytestmark = pytest.mark.django_db
URL = "https://example.org/hook"
LIST = "/api/v1/webhooks/"


def list_ids(api, path, **parameters):
    response = api.get(path, parameters)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_webhooks_are_filtered_by_state_and_event(api, user):
    paused = make_webhook(user, URL, state="paused")
    reviews = make_webhook(user, URL, "review.created", SUCCEEDED)
    assert list_ids(api, LIST, state="paused") == [str(paused.pk)]
    assert list_ids(api, LIST, state="active", event=SUCCEEDED) == [str(reviews.pk)]
    assert list_ids(api, LIST, event="review.created") == [str(reviews.pk)]
    assert list_ids(api, LIST, event="alias.changed") == []


def test_deliveries_are_filtered_by_state_event_and_time(api, user):
    webhook = make_webhook(user, URL, state="paused")
    old, new = make_deliveries(user, webhook, 2)
    (failed,) = make_deliveries(user, webhook, 1, state="failed", ended_at=timezone.now())
    test = send_test_event(webhook=webhook)
    Event.objects.filter(pk=old.event_id).update(created_at=datetime(2026, 1, 31, tzinfo=UTC))
    path = f"{LIST}{webhook.pk}/deliveries/"
    assert list_ids(api, path, state="failed") == [failed.pk]
    assert list_ids(api, path, event="webhook.test") == [test.pk]
    assert list_ids(api, path, event=SUCCEEDED, state="pending") == [new.pk, old.pk]
    assert list_ids(api, path, created_before="2026-02-01") == [old.pk]
    assert list_ids(api, path, created_after="2026-01-31T00:00:00Z", created_before="2026-01-31T00:00:01Z") == [old.pk]
    assert list_ids(api, path, created_after="2026-02-01", event=SUCCEEDED) == [failed.pk, new.pk]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"status": "failed"}, "unknown-filter"),
        ({"state": "x"}, "invalid-choice"),
        ({"event": "x"}, "invalid-choice"),
        ({"state": ""}, "blank"),
    ],
)
def test_unknown_filters_and_values_are_rejected(api, user, parameters, code):
    webhook = make_webhook(user, URL)
    for path in (LIST, f"{LIST}{webhook.pk}/deliveries/"):
        assert_problem(api.get(path, parameters), 400, code)


def test_a_filter_of_deliveries_is_none_of_webhooks(api, user):
    webhook = make_webhook(user, URL)
    assert_problem(api.get(LIST, {"created_after": "2026-01-31"}), 400, "unknown-filter")
    assert_problem(api.get(f"{LIST}{webhook.pk}/deliveries/", {"created_after": "x"}), 400, "invalid")
