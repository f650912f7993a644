"""Create, pause, resume, and delete webhooks, and send events again."""

import json
from pathlib import Path

import jsonschema
import pytest
from django.core.exceptions import ValidationError

from accounts.services.identities import sign_in_identity
from accounts.services.removal import anonymize_user, delete_user
from core.tasks import get_executor
from events.models import Delivery, TargetStatus, Webhook
from events.services import webhooks as services
from events.services.webhook_state import disable_webhook
from events.tests.webhooks import SUCCEEDED, get_delivery, make_event, make_webhook, pass_time, relay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allow_local_receivers")]
URL = "https://example.org/hook"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["prediction.unknown"]}, "event_types"),
        ({"event_types": [7]}, "event_types"),
        ({"description": "x" * 201}, "description"),
    ],
)
def test_invalid_values_are_rejected(user, values, field):
    with pytest.raises(ValidationError) as error:
        services.create_webhook(user=user, **{"url": URL, "event_types": [SUCCEEDED], **values})
    assert list(error.value.message_dict) == [field]


def test_the_number_of_webhooks_is_limited(user):
    for _ in range(services.MAX_WEBHOOKS):
        make_webhook(user, URL)
    with pytest.raises(ValidationError, match="at most 20"):
        make_webhook(user, URL)


def test_a_paused_webhook_receives_its_events_after_it_is_resumed(user, receiver):
    webhook = make_webhook(user, receiver.url)
    services.pause_webhook(webhook=webhook)
    event = make_event(user)
    relay(webhook)
    relay(webhook)
    assert receiver.requests == []
    assert get_delivery(event, webhook).state == "pending"
    services.resume_webhook(webhook=webhook)
    relay(webhook)
    assert len(receiver.requests) == 1


def test_a_disabled_webhook_stays_disabled_until_it_is_resumed(user):
    webhook = make_webhook(user, URL)
    disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE)
    services.pause_webhook(webhook=webhook)
    webhook.refresh_from_db()
    assert webhook.state == "disabled"
    services.resume_webhook(webhook=webhook)
    webhook.refresh_from_db()
    assert (webhook.state, webhook.disabled_at, webhook.disabled_reason) == ("active", None, "")


def test_a_test_event_is_for_one_webhook(user, receiver):
    webhook, second = make_webhook(user, f"{receiver.url}/1"), make_webhook(user, f"{receiver.url}/2")
    services.send_test_event(webhook=webhook)
    assert (relay(webhook), relay(second)) == (1, 0)
    (request,) = receiver.requests
    assert (request.path, request.event["type"]) == ("/1", "webhook.test")
    assert request.event["data"]["webhook"] == str(webhook.pk)
    schema = json.loads((Path(__file__).parents[2] / "docs" / "event-schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(request.event)


def test_a_test_event_ends_a_pause_after_an_outage(user, receiver):
    webhook = make_webhook(user, receiver.url)
    make_event(user)
    receiver.respond = lambda _request: (503, b"", {})
    relay(webhook)
    assert relay(webhook) == 0
    services.send_test_event(webhook=webhook)
    assert relay(webhook) == 2


def test_failed_events_are_sent_again(user, receiver):
    webhook, second = make_webhook(user, receiver.url), make_webhook(user, receiver.url)
    events = [make_event(user) for _ in range(3)]
    relay(webhook)
    relay(second)
    Delivery.objects.filter(event__in=events[1:]).update(state="failed")
    receiver.requests.clear()
    foreign = get_delivery(events[1], second)
    assert services.resend_deliveries(webhook=webhook, delivery_id=foreign.pk) == 0
    assert services.resend_deliveries(webhook=webhook) == 2
    pass_time()
    relay(webhook)
    assert sorted(request.event["id"] for request in receiver.requests) == sorted(str(each.uuid) for each in events[1:])
    delivered = get_delivery(events[0], webhook)
    assert services.resend_deliveries(webhook=webhook, delivery_id=delivered.pk) == 1
    relay(webhook)
    assert receiver.requests[-1].event["id"] == str(events[0].uuid)
    assert get_delivery(events[1], second).state == "failed"


@pytest.mark.parametrize("remove", [lambda user: delete_user(user=user), lambda user: anonymize_user(user=user)])
def test_webhooks_of_removed_users_are_deleted(user, receiver, remove):
    webhook = make_webhook(user, receiver.url)
    make_event(user)
    relay(webhook)
    remove(user)
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()
    assert not TargetStatus.objects.filter(pk=webhook.target).exists()


@pytest.mark.django_db(transaction=True)
def test_many_deliveries_are_deleted_in_the_background(user, receiver, monkeypatch):
    monkeypatch.setattr(services, "MAX_DELETED", 2)
    webhook = make_webhook(user, receiver.url)
    for _ in range(5):
        make_event(user)
    relay(webhook)
    services.delete_webhook(webhook=webhook)
    assert get_executor().wait_until_idle(10)
    assert not Delivery.objects.exists()
    assert not TargetStatus.objects.exists()


def test_resending_is_limited(user, receiver, monkeypatch):
    monkeypatch.setattr(services, "MAX_RESENT", 2)
    webhook = make_webhook(user, receiver.url)
    for _ in range(3):
        make_event(user)
    relay(webhook)
    Delivery.objects.update(state="failed")
    assert [services.resend_deliveries(webhook=webhook) for _ in range(3)] == [2, 1, 0]


def test_deleting_a_webhook_leaves_the_others(user, receiver):
    webhook, second = make_webhook(user, receiver.url), make_webhook(user, receiver.url)
    make_event(user)
    relay(webhook)
    services.delete_webhook(webhook=webhook)
    assert list(Webhook.objects.all()) == [second]
    assert set(Delivery.objects.values_list("target", flat=True)) == {second.target}


def test_webhooks_of_an_account_that_is_linked_to_a_user_of_a_provider_are_paused(make_user, settings, receiver):
    """Whoever created the account with the address of somebody else must not receive what the owner predicts."""
    settings.OIDC_LINK_BY_EMAIL = True
    user = make_user("local", email="ada@example.org")
    webhook = make_webhook(user, receiver.url)
    claims = {"iss": "https://login.example.org", "sub": "7", "email": "ada@example.org", "email_verified": True}
    assert sign_in_identity(claims=claims) == user
    make_event(user)
    relay(webhook)
    webhook.refresh_from_db()
    assert (webhook.state, receiver.requests) == ("paused", [])
