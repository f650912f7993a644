"""Events sent to webhooks of a receiver over TCP: who gets which, and what responses mean."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from events.models import Delivery, Event, TargetStatus, Webhook
from events.services.fan_out import fan_out_events
from events.services.webhook_sink import PARALLEL_REQUESTS
from events.services.webhook_state import FAILING_PERIOD, MIN_FAILURES
from events.services.webhooks import rotate_secret
from events.targets import open_sink
from events.tests.webhooks import ALIAS_CHANGED, SUCCEEDED, get_delivery, make_event, make_webhook, pass_time, relay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allow_local_receivers")]


@pytest.fixture
def webhook(user, receiver):
    return make_webhook(user, f"{receiver.url}/hook")


def list_ids(receiver):
    return [request.event["id"] for request in receiver.requests]


def test_an_event_is_signed_and_sent_once(user, webhook, receiver):
    event = make_event(user, label="7")
    assert (relay(webhook), relay(webhook)) == (1, 0)
    (request,) = receiver.requests
    cloud_event = Verifier(webhook.secret).verify(request.body, request.headers)
    assert (cloud_event["id"], cloud_event["type"], cloud_event["data"]) == (str(event.uuid), SUCCEEDED, {"label": "7"})
    assert request.headers["webhook-id"] == cloud_event["id"]
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["user-agent"].startswith("mlsite/")
    delivery = get_delivery(event, webhook)
    assert (delivery.state, delivery.details["status"]) == ("delivered", 204)


def test_users_receive_events_of_their_own_rows_only(user, other, reviewer, receiver):
    mine, theirs = make_webhook(user, receiver.url), make_webhook(other, receiver.url)
    all_users = make_webhook(reviewer, receiver.url)
    event, removed = make_event(user), make_event(None)
    assert [relay(webhook) for webhook in (mine, theirs, all_users)] == [1, 0, 2]
    assert sorted(list_ids(receiver)) == sorted([str(event.uuid), str(event.uuid), str(removed.uuid)])


def test_alias_events_are_for_users_who_can_see_all_models(user, make_user, receiver):
    owner = make_user("owner")
    owner.groups.add(Group.objects.get(name="Model owners"))
    webhooks = [make_webhook(person, receiver.url, ALIAS_CHANGED) for person in (user, owner)]
    make_event(None, ALIAS_CHANGED)
    assert [relay(webhook) for webhook in webhooks] == [0, 1]


def test_only_chosen_types_are_sent(user, receiver):
    webhook = make_webhook(user, receiver.url, "prediction.failed")
    make_event(user)
    assert relay(webhook) == 0
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("is_stored_before", [True, False])
def test_webhooks_of_inactive_users_receive_nothing(user, webhook, receiver, is_stored_before):
    event = make_event(user)
    if is_stored_before:
        receiver.respond = lambda _request: (500, b"", {})
        relay(webhook)
        receiver.requests.clear()
        pass_time()
    user.is_active = False
    user.save()
    relay(webhook)
    assert receiver.requests == []
    states = set(Delivery.objects.filter(event=event).values_list("state", "error"))
    assert states == ({("failed", "The account of the user is not active.")} if is_stored_before else set())


def test_a_lost_permission_ends_deliveries_that_wait(user, reviewer, receiver):
    webhook = make_webhook(reviewer, receiver.url)
    event = make_event(user)
    receiver.respond = lambda _request: (500, b"", {})
    relay(webhook)
    reviewer.groups.clear()
    pass_time()
    own = make_event(reviewer)
    receiver.requests.clear()
    assert relay(webhook) == 2
    assert list_ids(receiver) == [str(own.uuid)]
    assert get_delivery(event, webhook).error == "The user has no permission to see this event."


def test_during_a_rotation_both_secrets_are_valid(user, webhook, receiver):
    old = webhook.secret
    rotate_secret(webhook=webhook)
    make_event(user)
    relay(webhook)
    for secret in (old, webhook.secret):
        Verifier(secret).verify(receiver.requests[-1].body, receiver.requests[-1].headers)
    Webhook.objects.update(previous_secret_expires_at=timezone.now())
    make_event(user)
    relay(webhook)
    assert len(receiver.requests[-1].headers["webhook-signature"].split()) == 1


def test_a_rejected_event_is_retried_with_growing_delays_and_does_not_hold_others(user, webhook, receiver):
    bad, good = make_event(user, text="wrong"), make_event(user, text="good")
    receiver.respond = lambda request: (400, b"no \x00 such text", {}) if b"wrong" in request.body else (200, b"", {})
    delays = []
    for attempt in range(1, 4):
        started = timezone.now()
        relay(webhook)
        delivery = get_delivery(bad, webhook)
        assert (delivery.state, delivery.attempts) == ("pending", attempt)
        delays.append((delivery.next_attempt_at - started).total_seconds())
        pass_time()
    assert delays[0] * 2 < delays[1] < delays[2] / 2
    assert delivery.error == "The response has the status 400."
    assert delivery.details["excerpt"] == "no   such text"
    assert get_delivery(good, webhook).state == "delivered"
    receiver.respond = lambda _request: (200, b"", {})
    relay(webhook)
    assert get_delivery(bad, webhook).state == "delivered"


def test_events_with_the_same_key_arrive_in_order(user, webhook, receiver):
    first, second = make_event(user, key="a"), make_event(user, key="a")
    other = make_event(user, key="b")
    receiver.respond = lambda request: (500 if request.event["id"] == str(first.uuid) else 200, b"", {})
    relay(webhook)
    relay(webhook)
    assert sorted(list_ids(receiver)) == sorted([str(first.uuid), str(other.uuid)])
    receiver.respond = lambda _request: (200, b"", {})
    pass_time()
    relay(webhook)
    relay(webhook)
    assert list_ids(receiver)[-2:] == [str(first.uuid), str(second.uuid)]


def test_an_overloaded_receiver_gets_few_requests_and_the_pause_that_it_requests(user, webhook, receiver):
    for _ in range(20):
        make_event(user)
    receiver.respond = lambda _request: (503, b"busy", {"retry-after": "120"})
    relay(webhook)
    assert 1 <= len(receiver.requests) <= PARALLEL_REQUESTS
    status = TargetStatus.objects.get(pk=webhook.target)
    assert 90 < (status.next_attempt_at - timezone.now()).total_seconds() < 150
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert relay(webhook) == 0
    receiver.respond = lambda _request: (200, b"", {})
    pass_time()
    relay(webhook)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_an_outage_in_the_middle_of_a_batch_counts_no_attempt_of_the_rest(user, webhook, receiver):
    events = [make_event(user) for _ in range(20)]
    first = str(events[0].uuid)
    receiver.respond = lambda request: (200 if request.event["id"] == first else 503, b"", {})
    relay(webhook)
    assert get_delivery(events[0], webhook).state == "delivered"
    assert get_delivery(events[-1], webhook).attempts == 0
    assert len(receiver.requests) <= 2 * PARALLEL_REQUESTS


def test_a_receiver_that_is_down_is_described(user, receiver):
    webhook = make_webhook(user, "http://127.0.0.1:9/")
    event = make_event(user)
    relay(webhook)
    assert get_delivery(event, webhook).error == "The connection failed: Connection refused."


def test_private_addresses_receive_nothing(user, webhook, receiver, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = False
    event = make_event(user)
    relay(webhook)
    assert receiver.requests == []
    assert get_delivery(event, webhook).error == "127.0.0.1 has an address that is not public."


def test_410_disables_a_webhook(user, webhook, receiver):
    events = [make_event(user, key="a"), make_event(user, key="a")]
    receiver.respond = lambda _request: (410, b"", {})
    relay(webhook)
    webhook.refresh_from_db()
    assert (webhook.state, webhook.disabled_reason) == ("disabled", "gone")
    assert {get_delivery(event, webhook).state for event in events} == {"failed"}
    make_event(user)
    assert relay(webhook) == 0
    assert len(receiver.requests) == 1


def test_a_webhook_that_fails_for_days_is_disabled(user, webhook, receiver):
    receiver.respond = lambda _request: (500, b"", {})
    long_ago = timezone.now() - FAILING_PERIOD - timedelta(minutes=1)
    Webhook.objects.update(failing_since=long_ago, failure_count=MIN_FAILURES - 2)
    make_event(user)
    relay(webhook)
    webhook.refresh_from_db()
    assert (webhook.state, webhook.failure_count) == ("active", MIN_FAILURES - 1)
    pass_time()
    relay(webhook)
    webhook.refresh_from_db()
    assert (webhook.state, webhook.disabled_reason) == ("disabled", "failing")


def test_a_delivery_ends_the_count_of_failures(user, webhook, receiver):
    Webhook.objects.update(failing_since=timezone.now(), failure_count=7)
    make_event(user)
    relay(webhook)
    webhook.refresh_from_db()
    assert (webhook.failure_count, webhook.failing_since) == (0, None)


def test_events_fail_after_three_days(user, webhook, receiver):
    event = make_event(user)
    Event.objects.update(created_at=timezone.now() - timedelta(days=3, minutes=1))
    receiver.respond = lambda _request: (500, b"", {})
    relay(webhook)
    assert get_delivery(event, webhook).state == "failed"


def test_deliveries_of_a_deleted_webhook_end(user, webhook, receiver):
    """A relay can create deliveries while the webhook is being deleted."""
    event = make_event(user)
    fan_out_events()
    Webhook.objects.all().delete()
    relay(webhook)
    assert get_delivery(event, webhook).error == "The webhook was deleted."
    assert receiver.requests == []
    assert open_sink("webhook:x") is None
