"""Send events to a topic of Apache Kafka, or of a broker with the same protocol."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

from django.conf import settings

from events.sinks.base import DELIVERED, CloudEvent, Outcome, Result, Sink, SinkUnavailable

logger = logging.getLogger(__name__)

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#33-structured-content-mode
HEADERS = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
CONFIRMATION_SECONDS = 20  # within which brokers must confirm a batch
FLUSH_SECONDS = CONFIRMATION_SECONDS + 5  # librdkafka notices expired messages once per second
FIXED_OPTIONS = ("bootstrap.servers", "enable.idempotence", "acks")
DEFAULT_OPTIONS: dict[str, Any] = {
    "client.id": "mlsite",
    "linger.ms": 5,
    "message.timeout.ms": CONFIRMATION_SECONDS * 1000,
    "socket.connection.setup.timeout.ms": 5000,
    "log_level": 2,  # critical. The relay logs an outage once, librdkafka logs each attempt to connect
}


class KafkaSink(Sink):
    """Sends events with an idempotent producer, and waits until all in-sync replicas have stored them.

    The key of a message is the key of the event, so one partition has all events of a prediction, in order.

    Args:
        bootstrap_servers: for example `kafka-1:9092,kafka-2:9092`.
        options: settings of librdkafka, for example for TLS and SASL:
            https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
    """

    name: ClassVar[str] = "kafka"
    batch_size: ClassVar[int] = 500
    send_seconds: ClassVar[float] = FLUSH_SECONDS + 10

    def __init__(self, *, bootstrap_servers: str, topic: str, options: Mapping[str, Any]) -> None:
        self._topic = topic
        fixed = {"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "acks": "all"}
        self._options = {**DEFAULT_OPTIONS, **options, **fixed, "error_cb": self._record_error}
        self._producer: Any = None
        self._last_error = ""

    @classmethod
    def from_settings(cls) -> KafkaSink:
        return cls(
            bootstrap_servers=settings.KAFKA_BOOTSTRAP_SERVERS,
            topic=settings.KAFKA_TOPIC,
            options=parse_options(settings.KAFKA_OPTIONS),
        )

    @classmethod
    def check_settings(cls) -> list[str]:
        problems = []
        if find_spec("confluent_kafka") is None:
            problems.append("EVENT_SINKS contains kafka, but confluent-kafka is not installed. Run make install-kafka.")
        if not settings.KAFKA_BOOTSTRAP_SERVERS:
            problems.append("KAFKA_BOOTSTRAP_SERVERS is not set. Set it to the brokers, for example kafka-1:9092.")
        if not settings.KAFKA_TOPIC:
            problems.append("KAFKA_TOPIC is empty. Set it to the topic of the events.")
        try:
            parse_options(settings.KAFKA_OPTIONS)
        except ValueError as error:
            problems.append(str(error))
        return problems

    def send(self, events: Sequence[CloudEvent]) -> Sequence[Outcome]:
        reports: dict[int, Any] = {}  # by the position of the event: None, or the error
        producer = self._open_producer()
        for position, event in enumerate(events):
            self._produce(producer, position, event, reports)
        self._flush(producer)
        if len(reports) < len(events):
            self._discard_producer()
        if reports and all(error is not None and not is_permanent(error) for error in reports.values()):
            raise SinkUnavailable(self._last_error or describe_error(next(iter(reports.values()))))
        if not reports:
            raise SinkUnavailable(self._last_error or f"The brokers did not respond within {FLUSH_SECONDS} seconds.")
        return [build_outcome(reports, position) for position in range(len(events))]

    def close(self) -> None:
        self._discard_producer()

    def _open_producer(self) -> Any:
        """Return the producer, which connects in the background and reconnects by itself.

        Raises:
            SinkUnavailable: the options are invalid.
        """
        from confluent_kafka import KafkaException, Producer

        if self._producer is None:
            try:
                self._producer = Producer(self._options, logger=logger)
            except KafkaException as error:
                raise SinkUnavailable(f"KAFKA_OPTIONS is not valid: {describe_error(error.args[0])}") from error
        return self._producer

    def _produce(self, producer: Any, position: int, event: CloudEvent, reports: dict[int, Any]) -> None:
        """Queue a message. Its report arrives during `flush`."""
        from confluent_kafka import KafkaException

        def record_report(error: Any, _message: Any) -> None:
            reports[position] = error

        value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        key = event["partitionkey"].encode()
        try:
            producer.produce(self._topic, value, key=key, headers=HEADERS, on_delivery=record_report)
        except KafkaException as error:  # for example, the message is too large
            reports[position] = error.args[0]

    def _flush(self, producer: Any) -> None:
        """Wait for the reports.

        Raises:
            SinkUnavailable: the producer cannot continue. For example, the brokers have lost its state. The next batch gets
                a new producer.
        """
        from confluent_kafka import KafkaException

        self._last_error = ""
        try:
            producer.flush(FLUSH_SECONDS)
        except KafkaException as error:
            self._discard_producer()
            raise SinkUnavailable(describe_error(error.args[0])) from error

    def _record_error(self, error: Any) -> None:
        """Remember why there is no connection, for the message of an outage."""
        self._last_error = describe_error(error)

    def _discard_producer(self) -> None:
        """Drop the producer with its waiting messages, which the relay sends again."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None


def parse_options(text: str) -> dict[str, Any]:
    """Parse the setting `KAFKA_OPTIONS`.

    Raises:
        ValueError: it is not a JSON object of simple values, or contains options that the sink sets.
    """
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict) or not all(isinstance(value, str | int | float) for value in options.values()):
        raise ValueError('KAFKA_OPTIONS is not a JSON object of strings and numbers, such as {"security.protocol": "SSL"}.')
    if fixed := sorted(set(FIXED_OPTIONS).intersection(options)):
        raise ValueError(f"KAFKA_OPTIONS cannot contain {', '.join(fixed)}.")
    return options


def is_permanent(error: Any) -> bool:
    """Return whether brokers will never accept a message."""
    from confluent_kafka import KafkaError

    return error.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD)


def build_outcome(reports: Mapping[int, Any], position: int) -> Outcome:
    """Return the outcome of an event, from the reports of those that were confirmed or rejected in time."""
    if position not in reports:
        return Outcome(Result.RETRY, f"The brokers did not confirm the event within {FLUSH_SECONDS} seconds.")
    error = reports[position]
    if error is None:
        return DELIVERED
    return Outcome(Result.REJECTED if is_permanent(error) else Result.RETRY, describe_error(error))


def describe_error(error: Any) -> str:
    return f"Kafka: {error.str()} ({error.name()})"
