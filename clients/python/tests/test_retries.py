"""Retries, against a local server that fails as the test requires."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mlsite_client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    InvalidRequest,
    RetryPolicy,
    ServerFailed,
    UnexpectedResponse,
)

pytestmark = pytest.mark.once
FAST = RetryPolicy(max_retries=3, first_seconds=0.01)
PREDICTION = {
    "id": "01a1fb01-0971-77a1-91ee-40e3b3456e9b",
    "url": "/api/v1/predictions/01a1fb01-0971-77a1-91ee-40e3b3456e9b/",
    "status": "succeeded",
    "model": "digits",
    "model_version": 1,
    "created_at": "2026-11-20T22:08:31.601503Z",
}


class FailingServer(ThreadingHTTPServer):
    """Respond with one status after the other; 0 closes the connection without a response."""

    daemon_threads = True

    def __init__(self, statuses: list[int], problem: dict[str, object]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = statuses
        self.problem = problem
        self.keys: list[str | None] = []
        self.bodies: list[bytes] = []  # of the first responses, instead of JSON
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: FailingServer

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.keys.append(self.headers["Idempotency-Key"])
        status = self.server.statuses.pop(0)
        if status == 0:
            self.close_connection = True
            return
        body = json.dumps(PREDICTION if status < 400 else self.server.problem).encode()
        if self.server.bodies:
            body = self.server.bodies.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., FailingServer]]:
    servers: list[FailingServer] = []

    def start(*statuses: int, **problem: object) -> FailingServer:
        server = FailingServer(list(statuses), problem)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def predict(server: FailingServer, policy: RetryPolicy = FAST):
    with Client(server.url, "token", retries=policy) as client:
        return client.predict(features={"a": 1})


@pytest.mark.parametrize("statuses", [(201,), (503, 201), (0, 201), (429, 502, 504, 201)])
def test_a_request_is_repeated_with_the_same_key_until_it_succeeds(serve, statuses):
    server = serve(*statuses)
    assert predict(server).label is None
    assert len(server.keys) == len(statuses)
    assert len(set(server.keys)) == 1 and server.keys[0]


def test_each_request_has_its_own_key(serve):
    server = serve(201, 201)
    predict(server)
    predict(server)
    assert len(set(server.keys)) == 2


def test_a_request_that_is_still_running_is_repeated(serve):
    server = serve(409, 201, code="idempotency-key-in-use")
    assert predict(server).status == "succeeded"


@pytest.mark.parametrize(
    ("status", "problem", "expected"),
    [
        (400, {"code": "wrong-type", "detail": "Expected a number."}, InvalidRequest),
        (409, {"code": "inactive-model"}, InvalidRequest),
        (500, {"code": "model-failed"}, ServerFailed),
        (503, {"code": "inference-timeout", "prediction": "/api/v1/predictions/1/"}, ServerFailed),
    ],
)
def test_an_error_that_a_retry_cannot_change_is_raised_at_once(serve, status, problem, expected):
    server = serve(status, **problem)
    with pytest.raises(expected) as caught:
        predict(server)
    assert (caught.value.status, caught.value.code) == (status, problem["code"])
    assert len(server.keys) == 1


def test_the_last_error_is_raised_after_all_retries(serve):
    with pytest.raises(ServerFailed, match="503"):
        predict(serve(503, 503, 503, 503))
    with pytest.raises(ConnectionFailed):
        predict(serve(0, 0, 0, 0))


def test_retries_can_be_turned_off(serve):
    server = serve(503, 201)
    with pytest.raises(ServerFailed):
        predict(server, RetryPolicy(max_retries=0))
    assert server.statuses == [201]


def test_the_asynchronous_client_retries_too(serve):
    server = serve(0, 503, 201)

    async def predict_once():
        async with AsyncClient(server.url, "token", retries=FAST) as client:
            return await client.predict(features={"a": 1})

    assert asyncio.run(predict_once()).status == "succeeded"
    assert len(set(server.keys)) == 1


def test_waits_grow_and_respect_retry_after():
    policy = RetryPolicy(first_seconds=1, max_seconds=8)
    assert all(0.5 * 2**attempt <= policy.get_wait(attempt) <= 2**attempt for attempt in range(4))
    assert policy.get_wait(20) <= 8
    assert policy.get_wait(0, "30") == 30
    assert policy.get_wait(0, "Wed, 21 Oct 2026 07:28:00 GMT") <= 1
    assert policy.get_wait(0, "inf") <= 1
    assert policy.get_wait(0, "9" * 20) == 86_400


@pytest.mark.parametrize("body", [b'{"id": "01', b"", b"<html>", b"[]", b'{"a": "\xff"}', b"[" * 100_000])
def test_an_incomplete_response_is_repeated_with_the_same_key(serve, body):
    server = serve(201, 201)
    server.bodies = [body]
    assert predict(server).status == "succeeded"
    assert len(server.keys) == 2 and len(set(server.keys)) == 1
    server = serve(*[201] * 4)
    server.bodies = [body] * 4
    with pytest.raises(UnexpectedResponse, match="status 201 is not JSON"):
        predict(server)


def test_a_redirect_is_an_error_and_no_download(serve, tmp_path):
    for status in (301, 302, 304):
        server = serve(status)
        with pytest.raises(UnexpectedResponse, match="redirects to"):
            predict(server)
        assert len(server.keys) == 1
    with Client(serve(302).url, "token", retries=FAST) as client, pytest.raises(UnexpectedResponse):
        client.export(tmp_path / "export.csv")
    assert not list(tmp_path.iterdir())


def test_a_problem_with_other_types_is_still_an_error(serve):
    with pytest.raises(InvalidRequest) as caught:
        predict(serve(400, detail=5, errors=5))
    assert (str(caught.value), caught.value.errors) == ("5 (400)", [])
