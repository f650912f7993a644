"""Requests that the server rejects as too large, and inputs that are hard to send."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import mlsite_client
import pytest
from mlsite_client import ApiError, AuthenticationFailed, Client, Problem, RetryPolicy
from mlsite_client.cli import main
from mlsite_client.inputs import read_image
from PIL import Image

pytestmark = pytest.mark.once


class Server(httpx.BaseTransport):
    """Respond to each batch with its inputs as codes, or with 413 if it has too many. Respond to other requests with {}."""

    def __init__(self, max_items: int) -> None:
        self.max_items = max_items
        self.sizes: list[int] = []
        self.urls: list[httpx.URL] = []
        self.keys: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.urls.append(request.url)
        if request.method == "GET":
            return httpx.Response(200, json={"results": [], "next": None})
        if request.headers["Content-Type"] == "application/json":
            codes = [str(row) for row in json.loads(body)["features"]]
        else:
            codes = [part.split(b'"')[0].decode() for part in body.split(b'filename="')[1:]]
        self.sizes.append(len(codes))
        if len(codes) > self.max_items:
            return httpx.Response(413, text="<html>Request Entity Too Large</html>")  # of a proxy
        self.keys.append(request.headers["Idempotency-Key"])
        results = [{"prediction": None, "error": {"code": code, "detail": "", "errors": []}} for code in codes]
        return httpx.Response(200, json={"results": results})


@pytest.fixture
def connect():
    def connect_to(max_items: int = 1000) -> tuple[Client, Server]:
        server = Server(max_items)
        return Client("http://mlsite.test", "token", transport=server, retries=RetryPolicy(max_retries=0)), server

    return connect_to


def test_a_batch_that_is_too_large_is_sent_in_parts(connect):
    client, server = connect(max_items=3)
    rows = [{"a": number} for number in range(11)]
    assert [result.code for result in client.predict_many(rows)] == [str(row) for row in rows]
    assert server.sizes[:3] == [11, 5, 2]


@pytest.mark.parametrize("max_items", [1000, 300])
def test_each_batch_has_the_same_key_if_it_is_sent_again(connect, max_items):
    client, server = connect(max_items=max_items)
    rows = [{"a": number} for number in range(2500)]
    results = [client.predict_many(rows, idempotency_key="import, 7") for _ in range(2)]
    assert [result.code for result in results[0]] == [str(row) for row in rows]
    first, second = server.keys[: len(server.keys) // 2], server.keys[len(server.keys) // 2 :]
    assert first == second
    assert len(set(first)) == len(first) > 2
    client.predict_many(rows)
    assert len(set(server.keys)) == 2 * len(first)


def test_a_key_that_the_server_would_reject_stops_all_batches(connect):
    client, server = connect()
    with pytest.raises(ValueError, match="printable ASCII"):
        client.predict_many([{"a": 1}], idempotency_key="é")
    assert not server.sizes


def test_an_input_that_is_too_large_does_not_affect_the_others(connect):
    client, _ = connect(max_items=0)
    results = client.predict_many([b"a", b"b"])
    assert results == [Problem("request-too-large", "The server responded with status 413.")] * 2


def test_long_rows_are_sent_in_several_requests(connect):
    client, server = connect()
    client.predict_many([{"text": "x" * 1_500_000}] * 5)
    assert server.sizes == [2, 2, 1]


def test_text_and_file_names_that_are_not_unicode(connect, tmp_path):
    client, server = connect()
    path = Path(os.fsdecode(bytes(tmp_path) + b"/gr\xfcn.png"))
    path.write_bytes(b"image")
    assert [result.code for result in client.predict_many([path])] == ["gr?n.png"]
    assert [result.code for result in client.predict_many([{"a": "\ud800"}])] == [str({"a": "\ud800"})]
    assert server.sizes == [1, 1]


def test_values_of_any_type_are_sent(connect):
    client, _ = connect()
    value = uuid.uuid4()
    assert [result.code for result in client.predict_many([{"a": value, "b": {1}}])] == [str({"a": str(value), "b": [1]})]


def test_images_in_memory():
    image = Image.new("L", (8, 8), 7)
    name, data = read_image(image)
    assert (name, Image.open(io.BytesIO(data)).getpixel((3, 3))) == ("image.png", 7)
    assert [read_image(source) for source in (bytearray(b"a"), memoryview(b"a"))] == [("image", b"a")] * 2
    for source in ([[1, 2]], io.StringIO("text")):
        with pytest.raises(TypeError, match="Expected"):
            read_image(source)  # type: ignore[arg-type]


def test_an_open_file_that_cannot_be_read_does_not_affect_the_others(connect, tmp_path):
    client, _ = connect()
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with (tmp_path / "a.png").open() as text:
        results = client.predict_many([text, io.StringIO("text"), Image.new("CMYK", (8, 8)), b"image"])
    assert [result.code for result in results] == ["unreadable-file"] * 3 + ["image"]


def test_exceptions_can_be_copied_and_pickled():
    error = AuthenticationFailed(401, "invalid-token", "Unknown token.", [{"field": "a"}], {"status": 401})
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(twin, AuthenticationFailed) and vars(twin) == vars(error) and str(twin) == str(error)
    assert isinstance(error, ApiError)


def test_an_id_cannot_change_the_path(connect):
    client, server = connect()
    with pytest.raises(KeyError):
        client.get("../models?a#b")
    assert server.urls[0].raw_path == b"/api/v1/predictions/..%2Fmodels%3Fa%23b/"


@pytest.mark.parametrize(("url", "token"), [("http://[::1", "token"), ("http://mlsite.test", " \n")])
def test_an_invalid_url_or_token_is_an_error_at_once(url, token, capsys):
    with pytest.raises(ValueError, match=r"not valid|empty"):
        Client(url, token)
    assert main(["--url", url, "--token", token, "list"]) == 2
    assert capsys.readouterr().err.startswith("mlsite-client: The ")


def test_a_proxy_that_needs_a_package_is_an_error_of_the_command(monkeypatch, capsys):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)  # as if it were not installed
    assert main(["--url", "http://mlsite.test", "--token", "t", "list"]) == 2
    assert "httpx[socks]" in capsys.readouterr().err


def test_filters_of_the_command(monkeypatch):
    server = Server(0)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _, request: server.handle_request(request))
    assert main(["--url", "http://mlsite.test", "--token", "t", "list", "label=1", "label=7", "model=digits"]) == 0
    assert server.urls[0].params.multi_items() == [
        *(("page_size", "100"), ("label", "1"), ("label", "7"), ("model", "digits"))
    ]


def test_a_reader_can_close_the_output():
    code = "import mlsite_client.cli as cli; cli.run_list = lambda *_: print('x\\n' * 99999) or 0; exit(cli.main())"
    command = [sys.executable, "-c", code, "--url", "http://mlsite.test", "--token", "t", "list"]
    environment = os.environ | {"PYTHONPATH": str(Path(mlsite_client.__file__).parents[1])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (141, b"")
