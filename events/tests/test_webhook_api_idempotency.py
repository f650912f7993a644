"""Requests that create a webhook, a secret, or a delivery can be repeated with an Idempotency-Key."""

import pytest
from django.utils import timezone

from accounts.models import IdempotencyKey
from core.tests.problems import assert_problem
from events.models import Delivery, Event, Webhook
from events.services.webhooks import delete_webhook
from events.tests.webhooks import SUCCEEDED, make_deliveries, make_webhook

pytestmark = pytest.mark.django_db
LIST = "/api/v1/webhooks/"
VALUES = {"url": "https://example.org/hook", "event_types": [SUCCEEDED]}


def post(api, path, key="5e7c0a4e", **body):
    return api.post(f"{LIST}{path}", body, content_type="application/json", headers={"idempotency-key": key})


def assert_replayed(response, first):
    assert (response.status_code, response.json()) == (first.status_code, first.json())
    assert (response["Idempotent-Replayed"], "Idempotent-Replayed" in first) == ("true", False)
    assert response["Cache-Control"] == first["Cache-Control"]


def test_a_repeated_request_creates_no_second_webhook_and_returns_the_secret_again(api, user):
    first = post(api, "", **VALUES)
    assert_replayed(post(api, "", **VALUES), first)
    webhook = user.webhooks.get()
    assert (first.json()["secret"], first["Location"].endswith(f"/{webhook.pk}/")) == (webhook.secret, True)
    assert_problem(post(api, "", **VALUES, description="Other"), 422, "idempotency-key-reused")


def test_an_invalid_webhook_does_not_use_up_the_key(api, user):
    assert_problem(post(api, "", **VALUES | {"url": "http://example.org/"}), 400, "https-required")
    assert not IdempotencyKey.objects.exists()
    assert post(api, "", **VALUES).status_code == 201


def test_a_repeated_request_rotates_the_secret_once(api, user):
    webhook = make_webhook(user, "https://example.org/")
    first = post(api, f"{webhook.pk}/secret/")
    assert_replayed(post(api, f"{webhook.pk}/secret/"), first)
    assert Webhook.objects.get().list_valid_secrets() == [first.json()["secret"], webhook.secret]


def test_a_repeated_request_sends_one_test_event(api, user):
    webhook = make_webhook(user, "https://example.org/")
    first = post(api, f"{webhook.pk}/test/")
    assert_replayed(post(api, f"{webhook.pk}/test/"), first)
    assert Event.objects.count() == Delivery.objects.count() == 1


def test_a_repeated_request_resends_nothing_twice(api, user):
    webhook = make_webhook(user, "https://example.org/")
    make_deliveries(user, webhook, 2, state="failed", ended_at=timezone.now())
    first = post(api, f"{webhook.pk}/resend/")
    Delivery.objects.update(state="failed", ended_at=timezone.now())
    assert_replayed(post(api, f"{webhook.pk}/resend/"), first)
    assert Delivery.objects.filter(state="failed").count() == 2


def test_the_secret_of_a_deleted_webhook_is_not_returned_again(api, user):
    webhook = make_webhook(user, "https://example.org/")
    post(api, f"{webhook.pk}/secret/")
    delete_webhook(webhook=Webhook.objects.get())
    assert_problem(post(api, f"{webhook.pk}/secret/"), 404, "not-found")
