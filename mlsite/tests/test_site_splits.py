"""Requests that arrive in random parts get the same responses as those that arrive at once."""

import random
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES

pytestmark = [pytest.mark.site, pytest.mark.once, pytest.mark.xdist_group("site")]
SEED = 15
CLIENTS = 2  # with more, a worker can have so many that it closes some
PARTS = 6
MAX_DELAY_SECONDS = 0.01
PATH = PREDICTIONS_PATH.encode()
CLOSE = b"Connection: close\r\n"
HOST = b"Host: 127.0.0.1\r\n"
# Dates, IDs of requests, and what the second prediction of the same input has of its own
VARYING = re.compile(
    rb"(?m)^(Date|Expires|X-Request-ID|Location|Set-Cookie|ETag|Content-Length|Server-Timing):[^\r\n]*\r\n|"
    rb'"(id|url|input|request_id|created_at|completed_at|timings|reference|image)": ?("[^"]*"|\{[^}]*\})|[0-9a-f-]{32,64}|'
    rb'nonce="[^"]*"|csrf[a-z]*"[^>]*>',
    re.IGNORECASE,
)
HEADS = [
    b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE,
    b"HEAD /healthz HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /healthz HTTP/1.0\r\n",
    b"GET /healthz?x=%20 HTTP/1.1\r\n" + HOST + b"connection:keep-alive , CLOSE\r\n",
    b"POST /healthz HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"Content-Length: 0\r\n",
    b"GET /api/v1/models/ HTTP/1.1\r\n" + HOST + CLOSE,
    b"HEAD /api/v1/models/ HTTP/1.1\r\n" + HOST + CLOSE,
    b"OPTIONS " + PATH + b" HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET / HTTP/1.0\r\n",
    b"GET / HTTP/1.0\r\n" + CLOSE,
    b"GET /nothing HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /nothing HTTP/1.1\r\nHost: unknown.example\r\n" + CLOSE,
    b"GET http://127.0.0.1/healthz HTTP/1.1\r\n" + HOST + CLOSE,
    b"DELETE " + PATH + b" HTTP/1.1\r\n" + HOST + CLOSE,
    b"BREW / HTTP/1.1\r\n" + HOST + CLOSE,
    b"get / HTTP/1.1\r\n" + HOST + CLOSE,
    b"!!! / HTTP/1.1\r\n" + HOST + CLOSE,
    b"\x80GET / HTTP/1.1\r\n" + HOST + CLOSE,
    b"G\x00T / HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /\xff HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET  / HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /\r\n" + HOST + CLOSE,
    b"GET / HTTP/2.0\r\n" + HOST + CLOSE,
    b"GET / HTTP/1.1\r\n" + CLOSE,
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"A\x00B: c\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"A : c\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"A: b\r\n c\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"A: b\rc\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b": c\r\n",
    b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"no colon\r\n",
    b"\r\nGET /healthz HTTP/1.1\r\n" + HOST + CLOSE,
    b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"Content-Length : 0\r\n",
    b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"Content-Length: -1\r\n",
    b"GET /healthz HTTP/1.1\r\n" + HOST + CLOSE + b"Content-Length: 0\r\nContent-Length: 0\r\n",
    b"GET / HTTP/1.1\n" + HOST + CLOSE,
    b"POST " + PATH + b" HTTP/1.1\r\n" + HOST + CLOSE + b"Transfer-Encoding: gzip\r\n",
]
POST = b"POST " + PATH + b" HTTP/1.1\r\n" + HOST


def build_requests(token: str) -> list[bytes]:
    start = POST + b"Authorization: Bearer " + token.encode() + b"\r\n"
    post = start + CLOSE
    image = (SAMPLES / "seven.png").read_bytes()
    body = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + image + b"\r\n--x--\r\n"
    form = b"Content-Type: multipart/form-data; boundary=x\r\n"
    chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(body[at : at + 50]), body[at : at + 50]) for at in range(0, len(body), 50))
    chunked, json = b"Transfer-Encoding: chunked\r\n\r\n", b"Content-Type: application/json\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    return [
        *[head + b"\r\n" for head in HEADS],
        post + form + length + body,
        post + form + b"Expect: 100-continue\r\n" + length + body,
        post + form + chunked + chunks + b"0\r\n\r\n",
        post + form + chunked + chunks + b"0\r\nA: trailer\r\n\r\n",
        post + form + chunked + chunks + b"0\r\nbad trailer\r\n\r\n",
        post + form + chunked + chunks + b"g\r\n",
        post + form + chunked + b"3\r\nabcde\r\n",
        post + json + b"Content-Length: 7\r\n\r\n{}{}{}{",
        post + json + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}{}{}{",
        post + json + b"Content-Length: 2x\r\n\r\n{}{}{}{",
        post + json + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 25 + HEADS[0] + b"\r\n",
        start + form + length + body + start + form + chunked + chunks + b"0\r\n\r\n" + HEADS[6] + b"\r\n",
        (start + form + chunked + chunks + b"0\r\n\r\n" + HEADS[6].replace(CLOSE, b"") + b"\r\n") * 2 + HEADS[7] + b"\r\n",
    ]


def send_parts(site, parts: list[bytes], delays: list[float]) -> bytes:
    received = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part, delay in zip(parts, delays, strict=True):
                connection.sendall(part)
                time.sleep(delay)
        except OSError:  # the server has refused the request already
            pass
        with suppress(ConnectionResetError):
            while data := connection.recv(2**16):
                received += data
    return VARYING.sub(b"", received)


def test_requests_that_arrive_in_random_parts_have_the_same_response(site):
    numbers = random.Random(SEED)
    requests = build_requests(site.create_token())

    def send_split(request: bytes) -> bytes:
        cuts = sorted(numbers.sample(range(1, len(request)), PARTS - 1))
        parts = [request[start:end] for start, end in zip([0, *cuts], [*cuts, len(request)], strict=True)]
        return send_parts(site, parts, [numbers.uniform(0, MAX_DELAY_SECONDS) for _ in parts])

    with ThreadPoolExecutor(CLIENTS) as threads:
        whole = list(threads.map(lambda request: send_parts(site, [request], [0]), requests))
        split = list(threads.map(send_split, requests))
    assert all(response.startswith(b"HTTP/1.") for response in whole)
    for request, expected, response in zip(requests, whole, split, strict=True):
        assert response == expected, (request, SEED)


def test_chunked_requests_on_one_connection_leave_threads_free(site):
    """A thread that handles a chunked request may handle the next one of its connection, too."""
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    plain = POST + b"Content-Length: 2\r\n\r\n{}"
    for _ in range(20):
        received = send_parts(site, [(chunked + plain) * 2 + HEADS[0] + b"\r\n"], [0])
        assert (received.count(b" 401 "), received.count(b" 200 ")) == (4, 1)


def test_a_client_that_floods_healthz_holds_up_nobody(site):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    finished = time.monotonic() + 1

    def flood() -> None:
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
            connection.setblocking(False)
            while time.monotonic() < finished:
                for move in (lambda: connection.send(request), lambda: connection.recv(2**20)):
                    with suppress(BlockingIOError):
                        move()

    with ThreadPoolExecutor(2) as threads:
        floods = [threads.submit(flood) for _ in range(2)]
        durations = []
        while time.monotonic() < finished:
            started = time.monotonic()
            assert site.get_status("/healthz") == 200
            durations.append(time.monotonic() - started)
        for each in floods:
            each.result()
    assert max(durations) < 1
