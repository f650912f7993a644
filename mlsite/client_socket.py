"""The socket of a client. Threads wait for a client only for a limited time, and only some threads at once.

Small responses to slow clients stay in memory, and the main loop sends them, so that the thread is free.
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from threading import Lock
from time import monotonic
from typing import Any, BinaryIO

START_SECONDS = 10.0  # that a client has in addition to its minimum rate
MIN_BYTES_PER_SECOND = 8192  # of bodies and responses
MIN_WAIT_SECONDS = 1.0  # after which a wait can be ended because too many threads wait
MAX_OUTPUT_BYTES = 2 * 2**20  # of one response that the main loop sends
MAX_TOTAL_OUTPUT_BYTES = 32 * 2**20  # of all of them, per process
FILE_BLOCK_BYTES = 2**18


class ClientWaits:
    """The threads of this process that wait for clients, and the bytes that wait for clients to read them.

    Args:
        max_threads: that may wait for longer than `MIN_WAIT_SECONDS`.
    """

    def __init__(self, max_threads: int) -> None:
        self.max_threads = max_threads
        self.output_bytes = 0
        self.lock = Lock()
        self.started: dict[ClientSocket, float] = {}  # as if each had waited without a pause

    @contextmanager
    def hold(self, client: ClientSocket) -> Iterator[None]:
        """Record that the thread waits for this client."""
        with self.lock:
            # Earlier waits for the same request count, or else a client that moves a byte now and then would be spared.
            self.started[client] = monotonic() - client.waited_seconds
        try:
            yield
        finally:
            with self.lock:
                client.waited_seconds = monotonic() - self.started.pop(client)

    def end_surplus(self) -> None:
        """Disconnect the clients that threads have waited for longest, if too many threads wait."""
        with self.lock:
            surplus = len(self.started) - self.max_threads
            waits = sorted(self.started.items(), key=itemgetter(1))[: max(0, surplus)]
            for client, started in waits:
                if monotonic() - started >= MIN_WAIT_SECONDS:
                    client.disconnect()

    def add_output(self, size: int, *, is_forced: bool = False) -> bool:
        """Reserve memory for a part of a response. Return False if there is none left."""
        with self.lock:
            if self.output_bytes + size > MAX_TOTAL_OUTPUT_BYTES and not is_forced:
                return False
            self.output_bytes += size
        return True

    def remove_output(self, size: int) -> None:
        with self.lock:
            self.output_bytes -= size


class ClientSocket(socket.socket):
    """A connected socket that takes over the descriptor of another one.

    It never blocks by itself: `recv` and `sendall` wait with a deadline, which grows with the number of bytes.

    Attributes:
        output: what the main loop still has to send.
        waited_seconds: that a thread has waited for the client during the current request.
        path: of the current request, for errors.
    """

    def __init__(self, accepted: socket.socket, waits: ClientWaits) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self.waits = waits
        self.part_seconds: float | None = None  # maximum time between two parts of a body
        self.output = bytearray()
        self.path = ""
        self.waited_seconds = 0.0
        self.start_request()

    def start_request(self) -> None:
        """Start the deadlines of a request anew."""
        self.started = monotonic()
        self.moved_bytes = 0

    @property
    def deadline(self) -> float:
        return self.started + START_SECONDS + self.moved_bytes / MIN_BYTES_PER_SECOND

    def settimeout(self, value: float | None) -> None:
        """Set the maximum time between two parts of a body."""
        self.part_seconds = value

    def gettimeout(self) -> float | None:
        return self.part_seconds

    def setblocking(self, flag: bool) -> None:
        """Do nothing: threads wait in `recv` and `sendall`, and the main loop uses other methods."""

    def receive_now(self, size: int) -> bytes | None:
        """Return what has arrived, empty bytes at the end of the connection, or None if nothing has arrived."""
        try:
            return super().recv(size)
        except (BlockingIOError, InterruptedError):
            return None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Wait for the next part of a body.

        Raises:
            TimeoutError: the client is too slow, or too many threads wait for slower clients.
        """
        while (data := self.receive_now(size)) is None:
            self._wait(select.POLLIN)
        self.moved_bytes += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send a part of a response, or leave it to the main loop if the client does not read it at once.

        Raises:
            ConnectionResetError: the client is gone or too slow.
        """
        sent = self._send_now(data) if self.flush_output() else 0
        if sent == len(data):
            return
        rest = memoryview(data)[sent:]
        if not self.output:
            self.start_request()
        while len(self.output) + len(rest) > MAX_OUTPUT_BYTES or not self.waits.add_output(len(rest)):
            if self.flush_output():
                rest = rest[self._send_now(rest) :]
                if not rest:
                    return
            self._wait_for_reader()
        self.output += rest

    def send_small(self, data: bytes) -> None:
        """Send a small response without waiting, even if there is no memory left for the output.

        Raises:
            OSError: the client is gone.
        """
        sent = self._send_now(data) if self.flush_output() else 0
        if sent < len(data):
            self.waits.add_output(len(data) - sent, is_forced=True)
            self.output += data[sent:]

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:  # type: ignore[override]
        file.seek(offset)
        total = 0
        while block := file.read(FILE_BLOCK_BYTES if count is None else min(FILE_BLOCK_BYTES, count - total)):
            self.sendall(block)
            total += len(block)
        return total

    def flush_output(self) -> bool:
        """Send a part of the output. Return whether all of it is sent.

        Raises:
            OSError: the client is gone.
        """
        while self.output:
            sent = self._send_now(self.output[:FILE_BLOCK_BYTES])
            if not sent:
                return False
            del self.output[:sent]
            self.waits.remove_output(sent)
        return True

    def disconnect(self) -> None:
        """End the connection. A thread that waits for the client continues with an error."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.output:
            self.waits.remove_output(len(self.output))
            self.output.clear()
        super().close()

    def _send_now(self, data: Any) -> int:
        try:
            sent = super().send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        self.moved_bytes += sent
        return sent

    def _wait_for_reader(self) -> None:
        try:
            self._wait(select.POLLOUT)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "The client reads too slowly.") from error

    def _wait(self, event: int) -> None:
        seconds = self.deadline - monotonic()
        if self.part_seconds is not None:
            seconds = min(seconds, self.part_seconds)
        poll = select.poll()
        poll.register(self, event)
        with self.waits.hold(self):
            if seconds <= 0 or not poll.poll(seconds * 1000):
                raise TimeoutError("The client is too slow.")
