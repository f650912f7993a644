"""The main loop of a worker: an error on one connection must not end the worker, and no client can hold up others."""

import errno
import logging
import select
import selectors
import socket
import time
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from mlsite import client_socket, connection_loop
from mlsite.client_socket import MAX_TOTAL_OUTPUT_BYTES
from mlsite.connection_loop import SURPLUS_CONNECTIONS
from mlsite.connection_worker import MAX_HEALTH_RESPONSES, ConnectionWorker
from mlsite.request_buffer import MAX_TOTAL_BYTES, State
from mlsite.worker import NOT_ACCEPTING, BalancedThreadWorker, connection_counts

pytestmark = pytest.mark.once
HEALTH_CHECK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def worker():
    """Return a worker that accepts connections, but does not run."""
    worker = BalancedThreadWorker(0, 0, [], None, 30, Config(), logging.getLogger("worker"))
    worker.poller, worker.tpool = selectors.DefaultSelector(), worker.get_thread_pool()
    worker.method_queue.init()
    yield worker
    worker.method_queue.run_callbacks(None)
    worker.murder_keepalived(force=True)
    worker.tpool.shutdown()
    worker.poller.close()
    worker.method_queue.close()
    worker.tmp.close()
    connection_counts[worker.slot] = NOT_ACCEPTING


@pytest.fixture
def connect(worker):
    """Return a function that sends bytes on a new connection, which the worker then accepts."""
    opened = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def connect(content=b""):
            client = socket.create_connection(listener.getsockname(), timeout=5)
            opened.append(client)
            client.sendall(content)
            worker.accept(listener)
            return client

        yield connect
    for client in opened:
        client.close()


def test_an_error_on_one_connection_ends_only_this_connection(worker, connect, monkeypatch, caplog):
    other = connect()

    def fail(*_):
        raise ValueError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(worker, "_send_health", fail)
        assert connect(HEALTH_CHECK).recv(9) == b""
    assert "a defect" in caplog.text
    assert worker.nr_conns == len(worker.watched) == 1
    other.sendall(HEALTH_CHECK)
    ConnectionWorker.wait_for_and_dispatch_events(worker, 1)
    assert other.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENETDOWN, errno.EPERM, errno.EAGAIN])
def test_no_error_of_accept_ends_the_worker(worker, connect, number):
    def fail():
        raise OSError(number, "fails")

    for _ in range(SURPLUS_CONNECTIONS + 1):
        connect()
    worker.accept(SimpleNamespace(accept=fail))
    assert worker.nr_conns == (SURPLUS_CONNECTIONS + 1 if number == errno.EAGAIN else 1)


def test_many_health_checks_of_one_client_leave_time_for_others(worker, connect):
    client = connect(HEALTH_CHECK * 2 * MAX_HEALTH_RESPONSES)
    for _ in range(2):
        received = b""
        while received.count(b"ok\nmlsite") < MAX_HEALTH_RESPONSES:
            received += client.recv(2**16)
        assert received.count(b"200 OK") == MAX_HEALTH_RESPONSES
        assert not select.select([client], [], [], 0)[0]
        worker.method_queue.run_callbacks(None)


def test_the_main_loop_does_not_wait_for_a_client_that_does_not_read(worker, connect, monkeypatch):
    monkeypatch.setattr(client_socket, "START_SECONDS", 0)
    worker.waits.output_bytes = MAX_TOTAL_OUTPUT_BYTES  # other clients do not read either
    connect()
    (conn,) = worker.watched
    while not conn.sock.output:
        conn.sock.send_small(b"x" * 2**16)
    worker._call(worker.expire_request, conn)
    assert conn.sock.output.endswith(b"</html>\n")
    assert conn in worker.watched


def test_the_largest_slow_request_is_refused_if_there_is_no_memory_left(worker, connect, monkeypatch):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n"
    clients = [connect(head + b"x" * size) for size in (10, 1000, 100)]
    worker.memory.add(MAX_TOTAL_BYTES - 1000)  # of other connections
    worker.murder_pending()
    assert worker.nr_conns == 3  # they have not had enough time
    monkeypatch.setattr(connection_loop, "MIN_RECEIVE_SECONDS", -1)
    worker.checks_after = 0
    worker.murder_pending()
    assert clients[1].recv(12) == b"HTTP/1.1 408"
    assert not select.select([clients[0], clients[2]], [], [], 0.05)[0]


def test_refused_requests_have_one_message_per_interval(worker, caplog):
    for _ in range(3):
        worker._count_refused()
    assert caplog.text.count("overloaded: refused") == 1


def test_a_request_waits_for_the_models_without_a_thread(worker, connect):
    connect(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (len(worker.cold_requests), len(worker.requests)) == (1, 0)
    (conn,) = worker.cold_requests
    handled = []
    worker.handle = handled.append
    worker.set_warm()
    worker.method_queue.run_callbacks(None)
    worker.tpool.shutdown()
    assert (handled, worker.cold_requests) == ([conn], [])
    worker.close(conn)


def test_requests_that_wait_for_a_thread_use_counted_memory(worker, connect):
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000
    connect(request)
    assert worker.memory.used_bytes == len(request)
    (conn,) = worker.cold_requests
    assert conn.buffer.state is State.COMPLETE
    conn.start_request()
    assert worker.memory.used_bytes == 0
    worker.close(conn)


@pytest.fixture
def not_reading(worker, monkeypatch):
    """Make the application respond without reading the body."""

    def respond(environ, start_response):
        start_response("404 Not Found", [("Content-Length", "0")])
        return []

    worker.wsgi, worker.is_warm = respond, True
    monkeypatch.setattr(worker.log, "access", lambda *_: None, raising=False)


@pytest.mark.usefixtures("not_reading")
@pytest.mark.parametrize("encoding", [b"Content-Length: 300000", b"Expect: 100-continue\r\nContent-Length: 10"])
def test_a_connection_has_further_requests_after_an_unread_body(worker, connect, encoding):
    size = int(encoding.split()[-1])
    client = connect(b"POST / HTTP/1.1\r\nHost: x\r\n" + encoding + b"\r\n\r\n" + b"x" * size)
    assert b"Connection: keep-alive" in read_response(worker, client)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    read_response(worker, client)


@pytest.mark.usefixtures("not_reading")
@pytest.mark.parametrize("encoding", [b"Expect: 100-continue\r\nContent-Length: 300000", b"Transfer-Encoding: chunked"])
def test_a_response_announces_the_end_of_the_connection_if_a_body_is_not_received(worker, connect, encoding):
    client = connect(b"POST / HTTP/1.1\r\nHost: x\r\n" + encoding + b"\r\n\r\n" + b"x" * 1000)
    assert b"Connection: close" in read_response(worker, client)
    run_once(worker)
    assert client.recv(1) == b""


def run_once(worker):
    ConnectionWorker.wait_for_and_dispatch_events(worker, 0.05)
    worker.method_queue.run_callbacks(None)


def read_response(worker, client):
    """Run the worker until a client has received a response. Return the response."""
    received, deadline = b"", time.monotonic() + 5
    while b"HTTP/1.1 404" not in received or not received.endswith(b"\r\n\r\n"):
        assert time.monotonic() < deadline
        run_once(worker)
        while not received.endswith(b"\r\n\r\n") and select.select([client], [], [], 0)[0]:
            data = client.recv(2**16)
            assert data, "the connection is closed"
            received += data
    return received
