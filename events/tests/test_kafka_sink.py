"""The Kafka sink against a broker in another process, over TCP, with messages read back by a consumer."""

import json
import signal
import time

import pytest

from core.tests.processes import stop_process
from events.checks import check_sinks
from events.sinks.base import Result, SinkUnavailable
from events.sinks.kafka import KafkaSink
from events.tests.kafka_broker import consume, run_broker

pytestmark = pytest.mark.once
TOPIC = "mlsite.events"


@pytest.fixture(scope="module")
def broker():
    with run_broker() as (address, _process):
        yield address


@pytest.fixture
def open_sink():
    sinks = []

    def open_kafka_sink(address, **options):
        sinks.append(KafkaSink(bootstrap_servers=address, topic=TOPIC, options=options))
        return sinks[-1]

    yield open_kafka_sink
    for sink in sinks:
        sink.close()


def build_event(number: int, **data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": str(number), "type": "prediction.succeeded", "partitionkey": f"key-{number}",
            "data": {"label": "Zoë", **data}}  # fmt: skip


def test_events_are_stored_with_their_key_in_order(broker, open_sink):
    sink = open_sink(broker)
    events = [build_event(number) for number in range(300)]
    for start in (0, 100, 200):
        assert {outcome.result for outcome in sink.send(events[start : start + 100])} == {Result.DELIVERED}
    again = build_event(7, changed=True)
    sink.send([again])
    messages = consume(broker, TOPIC, 301)
    assert sorted(json.loads(message.value())["id"] for message in messages) == sorted(map(str, [*range(300), 7]))
    by_key = [message for message in messages if message.key() == b"key-7"]
    assert [json.loads(message.value()) for message in by_key] == [events[7], again]
    assert len({message.partition() for message in by_key}) == 1
    assert dict(messages[0].headers()) == {"content-type": b"application/cloudevents+json; charset=UTF-8"}


def test_a_message_that_is_too_large_is_rejected_and_the_others_are_delivered(broker, open_sink):
    sink = open_sink(broker, **{"message.max.bytes": 2000})
    outcomes = sink.send([build_event(1), build_event(2, text="x" * 5000), build_event(3)])
    assert [outcome.result for outcome in outcomes] == [Result.DELIVERED, Result.REJECTED, Result.DELIVERED]
    assert "MSG_SIZE_TOO_LARGE" in outcomes[1].message


@pytest.mark.services
def test_a_silent_broker_makes_the_sink_unavailable_until_it_responds(open_sink):
    with run_broker() as (address, process):
        sink = open_sink(address, **{"message.timeout.ms": 3000})
        assert sink.send([build_event(1)])[0].result is Result.DELIVERED
        stop_process(process.pid)
        started = time.monotonic()
        with pytest.raises(SinkUnavailable, match="Kafka"):
            sink.send([build_event(2)])
        assert time.monotonic() - started < 10
        process.send_signal(signal.SIGCONT)
        assert sink.send([build_event(2)])[0].result is Result.DELIVERED
        ids = [json.loads(message.value())["id"] for message in consume(address, TOPIC, 2)]
    assert set(ids) == {"1", "2"}


def test_without_a_broker_the_sink_is_unavailable(open_sink):
    with run_broker() as (address, process):
        sink = open_sink(address, **{"message.timeout.ms": 2000})
        sink.send([build_event(1)])
        process.kill()
        process.wait()
        with pytest.raises(SinkUnavailable, match="Connection refused"):
            sink.send([build_event(2)])


def test_invalid_options_are_described(open_sink):
    with pytest.raises(SinkUnavailable, match="KAFKA_OPTIONS is not valid"):
        open_sink("127.0.0.1:1", **{"no.such.option": 1}).send([build_event(1)])


def test_the_settings_are_checked(settings):
    settings.EVENT_SINKS = ["kafka"]
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9092"
    assert check_sinks() == []
    settings.KAFKA_BOOTSTRAP_SERVERS, settings.KAFKA_TOPIC = "", ""
    settings.KAFKA_OPTIONS = '{"acks": "0"}'
    errors = [error.msg for error in check_sinks()]
    assert [error.split()[0] for error in errors] == ["KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC", "KAFKA_OPTIONS"]
    for value in ("", "x", "[1]", '{"x": [1]}', '{"x": null}'):
        settings.KAFKA_OPTIONS = value
        assert "JSON object" in check_sinks()[-1].msg


def test_the_settings_are_passed_on(settings, broker):
    settings.KAFKA_BOOTSTRAP_SERVERS, settings.KAFKA_TOPIC = broker, "other.topic"
    settings.KAFKA_OPTIONS = '{"compression.type": "gzip"}'
    sink = KafkaSink.from_settings()
    assert sink.send([build_event(1)])[0].result is Result.DELIVERED
    sink.close()
    assert len(consume(broker, "other.topic", 1)) == 1
