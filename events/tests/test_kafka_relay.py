"""The whole way: a request to the API, the relay with its threads, and a consumer of Kafka."""

import json

import pytest

from events.services.relay import relay_pending
from events.tests.kafka_broker import consume, run_broker
from predictions.tests.factories import PREDICTIONS_URL, make_upload

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_prediction_arrives_in_the_topic(shades, api, settings):
    prediction = api.post(PREDICTIONS_URL, {"image": make_upload()}).json()
    settings.EVENT_SINKS = ["kafka"]
    with run_broker() as (settings.KAFKA_BOOTSTRAP_SERVERS, _process):
        relay_pending()
        messages = consume(settings.KAFKA_BOOTSTRAP_SERVERS, settings.KAFKA_TOPIC, 2)
    by_type = {json.loads(message.value())["type"]: message for message in messages}
    assert set(by_type) == {"alias.changed", "prediction.succeeded"}
    message = by_type["prediction.succeeded"]
    event = json.loads(message.value())
    assert message.key().decode() == event["partitionkey"] == prediction["id"]
    assert event["data"]["label"] == prediction["label"]
