"""A Kafka broker for tests: the mock cluster of librdkafka, in a process of its own: python -m events.tests.kafka_broker

It speaks the protocol over TCP, and keeps messages in memory.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@contextmanager
def run_broker() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a broker. Yield its address and its process."""
    command = [sys.executable, "-m", "events.tests.kafka_broker"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def consume(address: str, topic: str, count: int) -> list[Any]:
    """Return messages of a topic from its beginning."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": address, "group.id": "unused"})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    messages: list[Any] = []
    try:
        while len(messages) < count:
            (message,) = consumer.consume(1, timeout=15) or [None]
            assert message is not None, f"{len(messages)} of {count} messages arrived."
            assert message.error() is None, message.error()
            messages.append(message)
    finally:
        consumer.close()
    return messages


def main() -> None:
    from confluent_kafka import Producer

    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored"})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    print(f"{broker.host}:{broker.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
