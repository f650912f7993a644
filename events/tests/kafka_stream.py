"""A Kafka broker that can be killed and started again, and a consumer that reads all of its messages as they arrive.

The broker keeps messages in memory, and each new process has another port. Its clients connect to a port that does not
change, and get the current port from there, as from the `bootstrap.servers` of a cluster whose brokers are replaced.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any

from events.tests.kafka_broker import run_broker

POLL_SECONDS = 0.2
DELAY_SECONDS = 0.5  # for what is on its way to the broker
CATCH_UP_SECONDS = 30


class KafkaStream:
    """A broker, started again after each `kill`. `values` contains each message that was read from any of its processes.

    Args:
        topic: created by the first message.
    """

    def __init__(self, topic: str) -> None:
        self.topic, self.values = topic, list[bytes]()
        self._broker = ExitStack()
        self._address = ""  # of the current broker
        self._stopping = threading.Event()
        self._reader: threading.Thread | None = None
        self._partitions: set[int] = set()
        self._former_count = 0  # of messages that were read from earlier brokers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.bootstrap_servers = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def start(self) -> None:
        """Start a broker, and a thread that reads its messages."""
        self._address, _ = self._broker.enter_context(run_broker())
        self._partitions, self._former_count = set(), len(self.values)
        self._stopping.clear()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """Stop reading, and kill the broker."""
        self._stopping.set()
        if self._reader:
            self._reader.join()
        self._address = ""
        self._broker.close()

    def close(self) -> None:
        """Kill the broker and close the port."""
        self.kill()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def wait_until_read(self) -> None:
        """Wait until all messages of the broker are in `values`. Its producers must be stopped."""
        from confluent_kafka import TopicPartition

        consumer = self._open_consumer()  # the other one is busy with waiting for messages
        time.sleep(DELAY_SECONDS)
        stored, deadline = -1, time.monotonic() + CATCH_UP_SECONDS
        while stored != len(self.values) - self._former_count:
            assert time.monotonic() < deadline, f"{len(self.values) - self._former_count} of {stored} messages were read."
            partitions = [TopicPartition(self.topic, number) for number in self._partitions]
            stored = sum(consumer.get_watermark_offsets(partition, timeout=5)[1] for partition in partitions)
            time.sleep(POLL_SECONDS)
        consumer.close()

    def _open_consumer(self) -> Any:
        from confluent_kafka import Consumer

        options = {"bootstrap.servers": self._address, "group.id": "unused", "enable.auto.commit": False, "log_level": 0}
        return Consumer(options)

    def _read(self) -> None:
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition

        consumer = self._open_consumer()
        while not self._stopping.is_set():
            if not self._partitions:
                self._partitions = find_partitions(consumer, self.topic)
                consumer.assign([TopicPartition(self.topic, number, OFFSET_BEGINNING) for number in self._partitions])
            messages = consumer.consume(500, timeout=POLL_SECONDS)
            self.values += [message.value() for message in messages if message.error() is None]
        consumer.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", int(self._address.partition(":")[2] or 0)))
                except OSError:
                    client.close()
                    continue
                for pair in ((client, broker), (broker, client)):
                    threading.Thread(target=copy_bytes, args=pair, daemon=True).start()


def find_partitions(consumer: Any, topic: str) -> set[int]:
    """Return the partitions of a topic, or none if it does not exist yet."""
    from confluent_kafka import KafkaException

    try:
        found = consumer.list_topics(timeout=POLL_SECONDS).topics.get(topic)
    except KafkaException:
        return set()
    return set(found.partitions) if found and not found.error else set()


def copy_bytes(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until a side closes its connection. Then close the other one."""
    with suppress(OSError):
        while chunk := source.recv(2**16):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
    source.close()
