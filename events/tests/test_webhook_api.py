"""Webhooks in the REST API: the same rules as on the pages, and secrets that are returned once."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import create_token
from core.tests.problems import assert_problem
from events.models import Delivery, Event, Webhook
from events.services.webhook_state import disable_webhook
from events.services.webhooks import MAX_TEST_EVENTS, MAX_WEBHOOKS, resend_deliveries, rotate_secret
from events.tests.webhooks import SUCCEEDED, get_delivery, make_deliveries, make_webhook, relay

pytestmark = pytest.mark.django_db
URL = "https://example.org/hook"
LIST = "/api/v1/webhooks/"
VALUES = {"url": URL, "event_types": [SUCCEEDED, "review.created"], "description": "Import"}


def send(client, method, webhook=None, action="", **body):
    path = f"{LIST}{webhook.pk}/{action}" if webhook else LIST
    return getattr(client, method)(path, body, content_type="application/json")


def test_a_webhook_is_created_and_its_secret_is_returned_once(api, user):
    response = send(api, "post", **VALUES)
    webhook = user.webhooks.get()
    assert (response.status_code, response["Cache-Control"]) == (201, "private, no-store")
    assert VALUES.items() <= response.json().items()
    assert response.json()["secret"] == webhook.secret
    read = api.get(response["Location"])
    listed = api.get(LIST).json()["results"]
    assert listed == [read.json()]
    assert "secret" not in read.json()
    assert webhook.secret not in read.content.decode()


@pytest.mark.parametrize(
    ("change", "field", "code", "detail"),
    [
        ({"url": "http://example.org/"}, "url", "https-required", "Start the URL with https://."),
        ({"url": "https://10.0.0.1/"}, "url", "private", "Use a public address."),
        ({"url": ""}, "url", "blank", "may not be blank"),
        ({"event_types": []}, "event_types", "empty", "Choose at least one event."),
        ({"event_types": ["x"]}, "event_types", "unknown", "Unknown event: x"),
        ({"event_types": "x"}, "event_types", "not-a-list", "Expected a list"),
        ({"event_types": [SUCCEEDED, None]}, "event_types.1", "null", "may not be null"),
        ({"description": "x" * 201}, "description", "max-length", "200 characters"),
        ({"state": "paused"}, "state", "unknown-field", "There is no field 'state'."),
        ({"secret": "x"}, "secret", "unknown-field", "There is no field 'secret'."),
    ],
)
def test_invalid_values_are_problems_of_their_field(api, user, change, field, code, detail):
    webhook = make_webhook(user, URL)
    for response in (send(api, "post", **VALUES | change), send(api, "patch", webhook, **change)):
        (error,) = assert_problem(response, 400, code)["errors"]
        assert error["field"] == field
        assert detail in error["detail"]
    assert list(user.webhooks.values_list("url", "event_types", "description")) == [(URL, [SUCCEEDED], "")]


def test_the_number_of_webhooks_is_limited(api, user):
    Webhook.objects.bulk_create(Webhook(user=user, url=URL, event_types=[SUCCEEDED]) for _ in range(MAX_WEBHOOKS))
    problem = assert_problem(send(api, "post", **VALUES), 400, "too-many-webhooks")
    assert problem["detail"] == "You can have at most 20 webhooks. Delete one first."


def test_omitted_fields_stay_as_they_are(api, user):
    webhook = make_webhook(user, URL, description="Import")
    response = send(api, "patch", webhook, event_types=["review.created", "review.created"])
    assert response.json()["event_types"] == ["review.created"]
    assert (response.json()["url"], response.json()["description"]) == (URL, "Import")
    assert send(api, "patch", webhook).status_code == 200
    assert send(api, "put", webhook, **VALUES).status_code == 405
    webhook.refresh_from_db()
    assert (webhook.url, webhook.event_types) == (URL, ["review.created"])


def test_a_webhook_is_paused_resumed_and_deleted(api, user):
    webhook = make_webhook(user, URL)
    assert send(api, "post", webhook, "pause/").json()["state"] == "paused"
    disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE)
    assert send(api, "post", webhook, "pause/").json()["disabled_reason"] == "gone"
    assert send(api, "post", webhook, "resume/").json()["state"] == "active"
    assert send(api, "delete", webhook).status_code == 204
    assert not user.webhooks.exists()
    assert_problem(send(api, "post", webhook, "resume/"), 404, "not-found")


def test_a_new_secret_is_returned_once(api, user):
    webhook = make_webhook(user, URL)
    response = send(api, "post", webhook, "secret/").json()
    renewed = Webhook.objects.get()
    assert response["secret"] == renewed.secret != webhook.secret == renewed.previous_secret
    assert response["previous_secret_expires_at"]


def test_a_test_event_is_sent_and_its_delivery_has_the_response(api, user, receiver):
    webhook = make_webhook(user, receiver.url)
    receiver.respond = lambda _request: (500, b"Not good.", {})
    response = send(api, "post", webhook, "test/")
    sent = response.json()
    assert (response.status_code, sent["state"], sent["response"]) == (202, "pending", None)
    assert sent["event"]["type"] == "webhook.test"
    assert sent["next_attempt_at"]
    relay(webhook)
    (delivery,) = api.get(f"{LIST}{webhook.pk}/deliveries/").json()["results"]
    assert delivery["id"] == sent["id"]
    assert delivery["event"]["id"] == receiver.requests[0].headers["webhook-id"]
    assert (delivery["response"]["status"], delivery["response"]["excerpt"]) == (500, "Not good.")
    assert delivery["error"] == "The response has the status 500."


def test_test_events_are_limited(api, user):
    webhook = make_webhook(user, URL)
    statuses = [send(api, "post", webhook, "test/").status_code for _ in range(MAX_TEST_EVENTS)]
    assert statuses == [202] * MAX_TEST_EVENTS
    response = send(api, "post", webhook, "test/")
    problem = assert_problem(response, 429, "too-many-test-events")
    assert problem["detail"].startswith("You can send at most 10 test events per hour.")
    assert 3500 < int(response["Retry-After"]) <= 3600
    assert Event.objects.count() == MAX_TEST_EVENTS


def test_resending_is_limited_per_user(api, user, other, monkeypatch):
    monkeypatch.setattr("events.services.webhooks.MAX_RESENDS", 2)
    webhooks = [make_webhook(user, URL), make_webhook(user, URL)]
    assert [send(api, "post", webhook, "resend/").status_code for webhook in webhooks] == [200, 200]
    (row,) = make_deliveries(user, webhooks[0], 1, state="failed", ended_at=timezone.now())
    response = send(api, "post", webhooks[0], "resend/", delivery=row.pk)
    problem = assert_problem(response, 429, "too-many-resends")
    assert problem["detail"].startswith("You can send events again at most 2 times per hour. Try again in ")
    assert 3500 < int(response["Retry-After"]) <= 3600
    assert get_delivery(row.event, webhooks[0]).state == "failed"
    assert resend_deliveries(webhook=make_webhook(other, URL)) == 0


def test_deliveries_are_paginated(api, user):
    webhook = make_webhook(user, URL)
    make_deliveries(user, make_webhook(user, URL), 1)
    rows = make_deliveries(user, webhook, 5)
    found, url = [], f"{LIST}{webhook.pk}/deliveries/?page_size=2"
    while url:
        page = api.get(url).json()
        found += [row["id"] for row in page["results"]]
        url = page["next"]
    assert found == [row.pk for row in reversed(rows)]
    for cursor in ("x", "cD14", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"):  # p=x, p=99999999999999999999999
        assert_problem(api.get(f"{LIST}{webhook.pk}/deliveries/?cursor={cursor}"), 404, "not-found")


def test_one_or_all_failed_events_are_sent_again(api, user):
    webhook = make_webhook(user, URL)
    rows = make_deliveries(user, webhook, 3, state="failed", ended_at=timezone.now())
    (foreign,) = make_deliveries(user, make_webhook(user, URL), 1, state="failed", ended_at=timezone.now())
    assert send(api, "post", webhook, "resend/", delivery=rows[0].pk).json() == {"count": 1}
    assert send(api, "post", webhook, "resend/", delivery=rows[0].pk).json() == {"count": 0}
    assert_problem(send(api, "post", webhook, "resend/", delivery=foreign.pk), 404, "not-found")
    assert_problem(send(api, "post", webhook, "resend/", delivery=2**63), 400, "max-value")
    assert send(api, "post", webhook, "resend/").json() == {"count": 2}
    assert list(Delivery.objects.filter(state="failed")) == [foreign]
    assert get_delivery(rows[1].event, webhook).state == "pending"


def test_webhooks_of_other_users_are_not_found_even_by_superusers(user, superuser, token_headers):
    webhook, client = make_webhook(user, URL), Client(headers=token_headers(superuser))
    assert client.get(LIST).json()["results"] == []
    calls = [("get", ""), ("patch", ""), ("delete", ""), ("get", "deliveries/")]
    calls += [("post", f"{action}/") for action in ("pause", "resume", "secret", "test", "resend")]
    for method, action in calls:
        assert_problem(send(client, method, webhook, action), 404, "not-found")
    assert (Webhook.objects.get().state, Webhook.objects.get().secret) == ("active", webhook.secret)


@pytest.mark.parametrize("scopes", [["read", "predict"], ["predict", "review"], ["read"]])
def test_a_token_needs_all_scopes_to_change_webhooks(user, scopes):
    webhook = make_webhook(user, URL)
    client = Client(headers={"authorization": f"Bearer {create_token(user=user, name='x', scopes=scopes)[1]}"})
    assert client.get(LIST).status_code == (200 if "read" in scopes else 403)
    for response in (
        send(client, "post", **VALUES),
        send(client, "patch", webhook),
        send(client, "post", webhook, "secret/"),
    ):
        assert_problem(response, 403, "insufficient-scope")
    assert user.webhooks.get().secret == webhook.secret


def test_two_new_secrets_at_the_same_time_are_both_valid(user):
    webhook = make_webhook(user, URL)
    other = Webhook.objects.get()
    first, second = rotate_secret(webhook=webhook).secret, rotate_secret(webhook=other).secret
    assert Webhook.objects.get().list_valid_secrets() == [second, first]
