"""Hostile bytes on a connection: what gunicorn must reject, and what must not confuse the site."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import pytest

from mlsite.tests.site import PREDICTIONS_PATH

pytestmark = [pytest.mark.site, pytest.mark.once, pytest.mark.xdist_group("site")]
HOST = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
GET = b"GET /healthz" + HOST
POST = b"POST " + PREDICTIONS_PATH.encode() + HOST
MAX_LINE_BYTES, MAX_HEADERS = 8192, 100
BODY_TIMEOUT_SECONDS = 30  # for a body that stalls
REJECTED = {
    "bad chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", (400, 401)),
    "two Content-Length": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", (400,)),
    "list of Content-Length": (POST + b"Content-Length: 5, 5\r\n\r\nabcde", (400,)),
    "signed Content-Length": (POST + b"Content-Length: +5\r\n\r\nabcde", (400,)),
    "Content-Length and Transfer-Encoding": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (400,),
    ),
    "unknown Transfer-Encoding": (POST + b"Transfer-Encoding: xchunked\r\n\r\nabc", (400, 501)),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", (400,)),
    "too many headers": (GET + b"".join(b"X-%d: x\r\n" % number for number in range(MAX_HEADERS + 1)) + b"\r\n", (431,)),
    "long header": (GET + b"X: " + b"x" * 9000 + b"\r\n\r\n", (431,)),
    "long request line": (b"GET /?" + b"x" * MAX_LINE_BYTES + HOST + b"\r\n", (414,)),
    "NUL in a header": (GET + b"X: a\0b\r\n\r\n", (400,)),
    "CR in a header": (GET + b"X: a\rb\r\n\r\n", (400,)),
    "folded header": (GET + b"X: a\r\n b\r\n\r\n", (400,)),
    "space after a name": (GET + b"X : a\r\n\r\n", (400,)),
    "no name": (GET + b": a\r\n\r\n", (400,)),
    "two hosts": (GET + b"Host: evil.com\r\n\r\n", (400,)),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", (400,)),
    "HTTP/9.9": (b"GET /healthz HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", (400,)),
    "start of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    "start of TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n", (400,)),
    "path without a slash": (b"GET healthz" + HOST + b"\r\n", (400,)),
    "bytes in a path": (b"GET /\xff\xfe" + HOST + b"\r\n", (400,)),
    "unknown expectation": (GET + b"Expect: x\r\n\r\n", (417,)),
    "tunnel": (b"CONNECT evil.com:443" + HOST + b"\r\n", (400, 404, 405, 501)),
    "absolute URI of another site": (b"GET http://evil.com" + PREDICTIONS_PATH.encode() + HOST + b"\r\n", (400, 401)),
}


def exchange(site, data, *, is_complete=True):
    """Send bytes and return the response once the server closes the connection.

    Args:
        is_complete: send nothing more. Otherwise, the server waits for the rest.
    """
    received = b""
    address = ("127.0.0.1", site.port)
    with socket.create_connection(address, timeout=BODY_TIMEOUT_SECONDS) as connection, suppress(ConnectionError):
        connection.sendall(data)
        if is_complete:
            connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            received += part
    return received


def get_status(response):
    return int(response.split(b" ", 2)[1])


def test_malformed_requests_are_rejected_and_the_connection_closes(site):
    wrong = {}
    for name, (data, statuses) in REJECTED.items():
        response = exchange(site, data)
        if not response or get_status(response) not in statuses or b"Traceback" in response or b"Location:" in response:
            wrong[name] = response[:300]
    assert not wrong
    assert site.get_status("/healthz") == 200


def test_an_absolute_uri_is_the_path_on_this_site(site):
    assert exchange(site, b"GET http://127.0.0.1/healthz" + HOST + b"\r\n").startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_expects_a_continuation_gets_it_and_the_error(site):
    response = exchange(site, POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}")
    first, _, second = response.partition(b"\r\n\r\n")
    assert (get_status(first), get_status(second)) == (100, 401)


def test_half_a_body_stores_nothing(site):
    token = site.create_token()
    before = site.get(PREDICTIONS_PATH, token).json()["results"]
    head = POST + f"Authorization: Bearer {token}\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n".encode()
    response = exchange(site, head + b"\x89PNG")
    assert not response or get_status(response) in (400, 408)
    assert site.get(PREDICTIONS_PATH, token).json()["results"] == before


@pytest.mark.faults  # it waits for 10 seconds
def test_a_body_that_stalls_is_rejected_within_30_seconds(site):
    token = site.create_token()
    before = site.get(PREDICTIONS_PATH, token).json()["results"]
    head = POST + f"Authorization: Bearer {token}\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n".encode()
    started = time.monotonic()
    response = exchange(site, head + b"\x89PNG", is_complete=False)
    assert time.monotonic() - started < BODY_TIMEOUT_SECONDS
    assert not response or get_status(response) in (400, 408)
    assert site.get(PREDICTIONS_PATH, token).json()["results"] == before
