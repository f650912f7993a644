"""The whole way: a request to the API, the relay with its threads, and receivers over TCP."""

import time
from itertools import repeat

import pytest
from standardwebhooks import Webhook as Verifier

from events.models import Delivery
from events.services.relay import relay_pending
from events.tests.receiver import run_raw_server, run_receiver
from events.tests.webhooks import make_webhook
from events.webhooks import requests
from predictions.tests.factories import PREDICTIONS_URL, make_upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("allow_local_receivers")]


def test_a_prediction_arrives_at_the_webhook_of_its_user(shades, api, user, other):
    with run_receiver() as receiver:
        webhook, second = make_webhook(user, f"{receiver.url}/mine"), make_webhook(other, f"{receiver.url}/theirs")
        prediction = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
        relay_pending()
    (request,) = receiver.requests
    event = Verifier(webhook.secret).verify(request.body, request.headers)
    assert (request.path, event["type"], event["id"]) == ("/mine", "prediction.succeeded", prediction["id"])
    assert (event["data"]["model"], event["data"]["label"]) == ("shades", prediction["label"])
    assert not Delivery.objects.filter(target=second.target).exists()


def test_a_receiver_that_sends_one_byte_at_a_time_does_not_hold_the_others(shades, api, user, monkeypatch):
    monkeypatch.setattr(requests, "REQUEST_SECONDS", 2.0)
    arrivals = []
    with run_receiver() as receiver, run_raw_server(lambda: repeat(b"H"), pause=0.1) as slow_url:
        receiver.respond = lambda _request: arrivals.append(time.monotonic()) or (204, b"", {})
        slow, fast = make_webhook(user, slow_url), make_webhook(user, receiver.url)
        for _ in range(3):
            api.post(PREDICTIONS_URL, {"image": make_upload()})
        started = time.monotonic()
        relay_pending()
        seconds = time.monotonic() - started
    assert len(arrivals) == 3
    assert max(arrivals) - started < 1.5
    assert 2 <= seconds < 5
    assert set(Delivery.objects.filter(target=fast.target).values_list("state", flat=True)) == {"delivered"}
    assert set(Delivery.objects.filter(target=slow.target).values_list("state", "attempts")) == {("pending", 0)}
