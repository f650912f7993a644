"""A 410 disables a webhook, unless its user has changed or resumed it since the request was sent."""

import pytest

from events.models import Webhook
from events.services.webhook_sink import send_events
from events.services.webhook_state import disable_webhook
from events.services.webhooks import resume_webhook, update_webhook
from events.tests.webhooks import get_delivery, make_event, make_webhook, pass_time, relay

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allow_local_receivers")]


@pytest.fixture
def webhook(user, receiver):
    receiver.respond = lambda _request: (410, b"", {})
    return make_webhook(user, f"{receiver.url}/hook")


@pytest.fixture
def relay_meanwhile(webhook, monkeypatch):
    """Return a function that relays one batch, and calls a function between the response and its processing."""

    def run(change):
        def send(*args):
            attempts = send_events(*args)
            change()
            return attempts

        with monkeypatch.context() as patch:
            patch.setattr("events.services.webhook_sink.send_events", send)
            relay(webhook)
        return Webhook.objects.get().state

    return run


def test_a_webhook_whose_url_is_changed_meanwhile_stays_active(user, webhook, receiver, relay_meanwhile):
    event = make_event(user)
    assert relay_meanwhile(lambda: update_webhook(webhook=webhook, url=f"{receiver.url}/new")) == "active"
    assert get_delivery(event, webhook).state == "pending"
    pass_time(minutes=1)
    relay(webhook)
    assert (Webhook.objects.get().state, receiver.requests[1].path) == ("disabled", "/new")


def test_a_webhook_that_is_resumed_meanwhile_is_disabled_by_the_next_410_only(user, webhook, receiver, relay_meanwhile):
    def change():
        disable_webhook(webhook=Webhook.objects.get(), reason=Webhook.Reason.GONE)  # another relay got a 410 too
        resume_webhook(webhook=webhook)

    event = make_event(user)
    assert relay_meanwhile(change) == "active"
    assert get_delivery(event, webhook).state == "pending"
    pass_time(minutes=1)
    relay(webhook)
    assert (Webhook.objects.get().state, get_delivery(event, webhook).state) == ("disabled", "failed")
    assert len(receiver.requests) == 2
