"""Slow, idle, and malformed clients of a running site, and requests that occupy all threads."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest

from inference.tests.factories import make_noise_image
from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES

pytestmark = [pytest.mark.site, pytest.mark.once, pytest.mark.xdist_group("site")]
POST = b"POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
THREADS = 16  # of both processes


def send(site, content):
    """Send a request on a connection of its own, and return all that the server sends until it closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(content)
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 400, "malformed-request"),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed-request"),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\nabc", 501, "unsupported-transfer-encoding"),
        (POST + b"Expect: 200-ok\r\n\r\n", 417, "expectation-failed"),
        (POST + b"Bad Header: x\r\n\r\n", 400, "malformed-request"),
        (POST + b"".join(b"X-%d: x\r\n" % number for number in range(101)) + b"\r\n", 431, "headers-too-large"),
        (POST + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"GET /api/v1/" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "uri-too-long"),
        (b"GET /api/v1/" + b"x" * 9000, 414, "uri-too-long"),
        (b"GET /api/ HTTP/9.9\r\nHost: x\r\n\r\n", 400, "malformed-request"),
    ],
)
def test_the_server_refuses_malformed_requests_with_problems(site, content, status, code):
    head, body = send(site, content).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close" in head
    assert b"Content-Type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)


def test_a_request_line_of_8190_bytes_is_accepted(site):
    start, end = b"GET /api/v1/predictions/?label=", b" HTTP/1.1"
    line = start + b"x" * (8190 - len(start + end)) + end
    assert send(site, line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(("path", "text"), [(b"/v2/health/live", b'{"error": '), (b"/review/", b"<h1>")])
def test_other_paths_get_their_own_kind_of_error(site, path, text):
    response = send(site, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert text in response


@contextmanager
def open_all(site, count, content):
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(closing(socket.create_connection(("127.0.0.1", site.port), timeout=20)))
            connection.sendall(content)
        yield


@pytest.mark.parametrize(
    ("count", "content"),
    [
        (200, b""),
        (2 * THREADS, POST + b"X: "),
        (2 * THREADS, POST + b"Content-Length: 5000\r\n\r\nabc"),
        (2 * THREADS, POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
    ],
    ids=["idle", "head", "body", "chunks"],
)
def test_slow_clients_hold_up_nobody(site, count, content):
    token = site.create_token()
    with open_all(site, count, content):
        started = time.monotonic()
        assert site.get_status("/healthz") == 200
        assert time.monotonic() - started < 1
        assert site.predict((SAMPLES / "seven.png").read_bytes(), token).json()["label"] == "7"
        assert time.monotonic() - started < 4


@pytest.mark.slow
@pytest.mark.services
def test_healthz_responds_while_all_threads_are_busy(site, tmp_path):
    site.register_dummy(tmp_path, "slow", sleep=0.7)
    token = site.create_token()
    with ThreadPoolExecutor(2 * THREADS) as threads:
        images = [make_noise_image(seed, size=(8, 8)) for seed in range(2 * THREADS)]
        responses = [threads.submit(site.predict, image, token, model="slow") for image in images]
        delays = []
        while not all(response.done() for response in responses):
            started = time.monotonic()
            assert site.get_status("/healthz") == 200
            delays.append(time.monotonic() - started)
            time.sleep(0.05)
    assert {response.result().status_code for response in responses} <= {201, 503}
    assert max(delays) < 1


def test_keep_alive_after_healthz(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(
            b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n" * 2
        )
        received = b""
        while received.count(b"ok\nmlsite") < 2:
            received += connection.recv(4096)
        assert received.count(b"HTTP/1.1 200 OK") == 3
        connection.sendall(b"GET " + PREDICTIONS_PATH.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 401")
