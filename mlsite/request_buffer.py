"""Requests that the main loop of a worker receives, so that slow clients do not occupy threads."""

from __future__ import annotations

import re
from collections import deque
from enum import Enum
from threading import Lock
from time import monotonic

from gunicorn.http.unreader import SocketUnreader

from mlsite.client_socket import MIN_BYTES_PER_SECOND, START_SECONDS, ClientSocket

RECEIVE_BYTES = 2**16
MAX_RECEIVED_BYTES = 2**20  # of one client before the main loop turns to the next
MAX_LINE_BYTES = 8190  # of the request line, without its end: the maximum of gunicorn
MAX_HEAD_BYTES = 2**17
MAX_BODY_BYTES = 16 * 2**20  # threads receive larger bodies
SMALL_BODY_BYTES = 2**16  # a body that the main loop always receives: few of them add up to much memory
# Of all requests that no thread reads yet, per process. Beyond it, threads receive large bodies.
MAX_TOTAL_BYTES = 32 * 2**20
HEAD_END = b"\r\n\r\n"
CLOSE_PATTERN = re.compile(rb"\r\nconnection:[^\r]*\bclose\b")


class State(Enum):
    """What the buffer of a connection contains.

    A thread can handle a request that is complete. It must receive the rest of one that is streamed.
    """

    EMPTY = "empty"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"
    STREAMED = "streamed"
    LINE_TOO_LONG = "line-too-long"
    HEAD_TOO_LARGE = "head-too-large"
    MALFORMED = "malformed"
    CLOSED = "closed"


class Memory:
    """Count the bytes of all requests that are being received or wait for a thread. It is thread-safe."""

    def __init__(self) -> None:
        self.used_bytes = 0
        self.lock = Lock()

    def add(self, size: int) -> None:
        with self.lock:
            self.used_bytes += size


class RequestBuffer:
    """What a client has sent of its next request, and possibly of further ones.

    Attributes:
        head: the request line and the headers, once they are complete.
        is_length_certain: the headers give at most one length of the body.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.chunks: deque[bytes] = deque()
        self.counted_bytes = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.is_reading = False  # a thread reads the request
        self.chunks.clear()
        self._uncount()
        self.start = bytearray()  # of a head that is incomplete
        self.head = b""
        self.missing_bytes = self.body_bytes = self.received_bytes = 0
        self.is_length_certain = True
        self.state = State.EMPTY
        self.started = 0.0

    @property
    def deadline(self) -> float:
        """Return the time at which the request must be complete. The head has a fixed time, the body a minimum rate."""
        return self.started + START_SECONDS + (self.received_bytes / MIN_BYTES_PER_SECOND if self.head else 0)

    @property
    def method(self) -> bytes:
        return self.head.partition(b" ")[0]

    @property
    def path(self) -> str:
        """Return the path of the request line, as far as it is received."""
        line = self.head or bytes(self.start[: MAX_LINE_BYTES + 1])
        parts = line.split(b"\r\n", 1)[0].split(b" ", 2)
        return parts[1].partition(b"?")[0].decode("latin-1") if len(parts) > 1 else ""

    @property
    def closes_connection(self) -> bool:
        """Return whether the client wants to close the connection, or where its next request starts is not certain."""
        lowered = self.head.lower()
        line = lowered.partition(b"\r\n")[0]
        return not line.endswith(b" http/1.1") or not self.is_length_certain or bool(CLOSE_PATTERN.search(lowered))

    def receive(self, client: ClientSocket) -> State:
        """Receive what the client has sent, without waiting."""
        received = 0
        while self.state in (State.EMPTY, State.INCOMPLETE) and received < MAX_RECEIVED_BYTES:
            data = client.receive_now(max(RECEIVE_BYTES, min(self.missing_bytes, MAX_RECEIVED_BYTES)))
            if data is None:
                break
            if not data:
                self.state = State.CLOSED
                break
            self._add(data)
            received += len(data)
        return self.state

    def take(self) -> bytes:
        """Return the next part, or empty bytes at the end. The head is a part of its own."""
        return self.chunks.popleft() if self.chunks else b""

    def start_reading(self) -> None:
        """Let a thread read the request. Its bytes no longer count."""
        self.is_reading = True
        self._uncount()

    def finish_reading(self, rest: bytes) -> None:
        """Start the next request with what was received after the one that a thread has handled, if it has handled one."""
        if self.is_reading:
            self._restart(rest + b"".join(self.chunks))

    def skip_request(self) -> None:
        """Remove a complete request that no thread has handled."""
        self._restart(b"".join(self.chunks)[len(self.head) + self.body_bytes :])

    def _uncount(self) -> None:
        if self.counted_bytes:
            self.memory.add(-self.counted_bytes)
            self.counted_bytes = 0

    def _restart(self, data: bytes) -> None:
        self.clear()
        if data:
            self._add(data)

    def _add(self, data: bytes) -> None:
        if self.state is State.EMPTY:
            self.started = monotonic()
            self.state = State.INCOMPLETE
        self.received_bytes += len(data)
        self.counted_bytes += len(data)
        self.memory.add(len(data))
        if self.head:
            self.chunks.append(data)
            self.missing_bytes -= len(data)
        else:
            self._add_to_head(data)
        if self.head and self.state is State.INCOMPLETE:
            if self.missing_bytes <= 0:
                self.state = State.COMPLETE
            elif self.memory.used_bytes > MAX_TOTAL_BYTES and self.body_bytes > SMALL_BODY_BYTES:
                self.state = State.STREAMED

    def _add_to_head(self, data: bytes) -> None:
        searched = max(0, len(self.start) - len(HEAD_END) + 1)
        self.start += data
        end = self.start.find(HEAD_END, searched)
        if end < 0:
            self._check_start()
            return
        end += len(HEAD_END)
        self.head = bytes(self.start[:end])
        self.chunks.append(self.head)
        if len(self.start) > end:
            self.chunks.append(bytes(self.start[end:]))
        received_bytes = len(self.start) - end
        self.start = bytearray()
        lowered = self.head.lower()
        if b"\r\ntransfer-encoding" in lowered or b"\r\nexpect" in lowered:
            self.state = State.STREAMED
            return
        _, _, after = lowered.partition(b"\r\ncontent-length:")
        length = after.partition(b"\r\n")[0].strip()
        # The parser rejects lengths that are no numbers, and several ones.
        is_number = length.isdigit() and len(length) < 16
        self.is_length_certain = lowered.count(b"\r\ncontent-length") == is_number
        self.body_bytes = int(length) if is_number else 0
        self.missing_bytes = self.body_bytes - received_bytes
        if self.body_bytes > MAX_BODY_BYTES:
            self.state = State.STREAMED

    def _check_start(self) -> None:
        """Find out early that a head will never be valid, so that the client does not wait for a timeout."""
        start = self.start
        if b"\r\n" not in start[: MAX_LINE_BYTES + 2]:
            if len(start) > MAX_LINE_BYTES + 2:
                self.state = State.LINE_TOO_LONG
            elif not (0x20 < start[0] < 0x7F or start[:1] == b"\r") or b"\n" in start:
                self.state = State.MALFORMED
        elif len(start) > MAX_HEAD_BYTES:
            self.state = State.HEAD_TOO_LARGE
        elif start.count(b"\n") != start.count(b"\r\n"):
            self.state = State.MALFORMED


class RequestUnreader(SocketUnreader):
    """Give gunicorn's parser what the main loop has received, and then what the thread receives."""

    def __init__(self, client: ClientSocket, buffer: RequestBuffer) -> None:
        super().__init__(client)
        self.buffer = buffer

    def chunk(self, size_hint: int | None = None) -> bytes:
        data: bytes = self.buffer.take() or super().chunk(size_hint)
        return data
