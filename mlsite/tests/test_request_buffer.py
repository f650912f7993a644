"""Requests that the main loop receives, and the sockets of clients."""

import select
import socket
import threading
import time

import pytest

from mlsite import client_socket
from mlsite.client_socket import ClientSocket, ClientWaits
from mlsite.request_buffer import (
    MAX_BODY_BYTES,
    MAX_TOTAL_BYTES,
    SMALL_BODY_BYTES,
    Memory,
    RequestBuffer,
    RequestUnreader,
    State,
)

pytestmark = pytest.mark.once
HEAD = b"POST /api/v1/predictions/?a=b HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def pair():
    server, peer = socket.socketpair()
    client = ClientSocket(server, ClientWaits(1))
    yield client, peer
    client.close()
    peer.close()


@pytest.fixture
def buffer():
    return RequestBuffer(Memory())


def test_a_request_is_complete_with_its_last_byte(pair, buffer):
    client, peer = pair
    request = HEAD + b"Content-Length: 5\r\n\r\nabcde"
    for number, byte in enumerate(request, 1):
        peer.send(bytes([byte]))
        assert buffer.receive(client) is (State.COMPLETE if number == len(request) else State.INCOMPLETE)
    assert buffer.path == "/api/v1/predictions/"
    assert buffer.memory.used_bytes == len(request)
    buffer.start_reading()
    assert buffer.memory.used_bytes == 0
    unreader = RequestUnreader(client, buffer)
    assert unreader.read() == HEAD + b"Content-Length: 5\r\n\r\n"
    assert unreader.read(5) == b"abcde"


def test_the_next_request_is_not_lost(pair, buffer):
    client, peer = pair
    peer.send((HEAD + b"\r\n") * 2 + HEAD)
    assert buffer.receive(client) is State.COMPLETE
    buffer.skip_request()
    assert buffer.receive(client) is State.COMPLETE
    buffer.start_reading()
    buffer.take()
    buffer.finish_reading(b"")
    assert buffer.receive(client) is State.INCOMPLETE
    peer.send(b"\r\n")
    assert buffer.receive(client) is State.COMPLETE


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", State.STREAMED),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", State.STREAMED),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), State.STREAMED),
        (HEAD + b"Content-Length: x\r\n\r\n", State.COMPLETE),
        (b"GET /" + b"x" * 9000, State.LINE_TOO_LONG),
        (HEAD + b"X: x\r\n" * 30_000, State.HEAD_TOO_LARGE),
        (b"\x16\x03\x01\x02\x00\x01", State.MALFORMED),
        (b"GET / HTTP/1.1\nHost: x\n\n", State.MALFORMED),
        (b"", State.EMPTY),
    ],
    ids=range(9),
)
def test_the_content_determines_the_state(pair, buffer, content, state):
    client, peer = pair
    peer.sendall(content)
    assert buffer.receive(client) is state


@pytest.mark.parametrize(("size", "state"), [(0, State.INCOMPLETE), (1, State.STREAMED)])
def test_threads_receive_only_large_bodies_when_there_is_no_memory_left(pair, buffer, size, state):
    client, peer = pair
    buffer.memory.add(MAX_TOTAL_BYTES)  # of other requests
    peer.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (SMALL_BODY_BYTES + size))
    assert buffer.receive(client) is state


def test_a_closed_connection_is_noticed(pair, buffer):
    client, peer = pair
    peer.send(HEAD)
    peer.close()
    assert buffer.receive(client) is State.CLOSED


def test_the_main_loop_sends_what_a_client_does_not_read(pair):
    client, peer = pair
    content = b"x" * 2**20
    client.sendall(content)
    assert client.output
    assert client.waits.output_bytes == len(client.output)
    received = 0
    while received < len(content):
        received += len(peer.recv(2**16))
        client.flush_output()
    assert (client.output, client.waits.output_bytes) == (b"", 0)


def test_slow_clients_are_disconnected(pair, monkeypatch):
    client, peer = pair
    monkeypatch.setattr(client_socket, "START_SECONDS", 0.05)
    client.start_request()
    with pytest.raises(TimeoutError):
        client.recv(1)
    with pytest.raises(ConnectionResetError):
        client.sendall(b"x" * 2**23)
    peer.send(b"a")
    assert client.recv(1) == b"a"


def test_the_longest_wait_ends_if_too_many_threads_wait(monkeypatch):
    monkeypatch.setattr(client_socket, "MIN_WAIT_SECONDS", 0)
    waits = ClientWaits(1)
    pairs = [socket.socketpair() for _ in range(2)]
    clients = [ClientSocket(server, waits) for server, _ in pairs]
    results = {}
    threads = [threading.Thread(target=lambda n=n: results.update({n: clients[n].recv(1)})) for n in range(2)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while len(waits.started) < number:
            time.sleep(0.001)
    waits.end_surplus()
    threads[0].join(5)
    assert results == {0: b""}
    pairs[1][1].send(b"a")
    threads[1].join(5)
    assert results[1] == b"a"
    for server, peer in zip(clients, (peer for _, peer in pairs), strict=True):
        server.close()
        peer.close()


def test_a_client_socket_does_not_block_the_main_loop(pair):
    client, _ = pair
    client.setblocking(True)
    client.settimeout(10)
    assert client.receive_now(1) is None
    assert not select.select([client], [], [], 0)[0]


@pytest.mark.parametrize(
    ("content", "closes"),
    [
        (HEAD + b"\r\n", False),
        (HEAD + b"Connection: keep-alive\r\nX: close\r\n\r\n", False),
        (HEAD + b"CONNECTION:x , Close\r\n\r\n", True),
        (HEAD.replace(b"1.1", b"1.0") + b"X: HTTP/1.1\r\n\r\n", True),
        (HEAD + b"Content-Length: 0\r\n\r\n", False),
        (HEAD + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n", True),
        (HEAD + b"Content-Length : 0\r\n\r\n", True),
        (HEAD + b"Content-Length: -1\r\n\r\n", True),
    ],
)
def test_a_connection_is_closed_if_the_next_request_is_not_certain(pair, buffer, content, closes):
    client, peer = pair
    peer.sendall(content)
    assert buffer.receive(client) is State.COMPLETE
    assert buffer.closes_connection is closes


def test_short_waits_for_one_request_add_up(pair):
    client, peer = pair
    threading.Timer(0.05, peer.send, [b"a"]).start()
    client.recv(1)
    first = client.waited_seconds
    threading.Timer(0.05, peer.send, [b"a"]).start()
    client.recv(1)
    assert client.waited_seconds >= first + 0.04 > 0.05
