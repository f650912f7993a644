"""Inputs of callers, against a transport that records the requests."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest
from mlsite_client import Client, ConnectionFailed, Problem, RetryPolicy
from mlsite_client.batches import MAX_BATCH_IMAGES
from mlsite_client.inputs import to_json
from mlsite_client.operations import Request, create

pytestmark = pytest.mark.once


class Series:
    """A row of pandas."""

    def __init__(self, **values: object) -> None:
        self.values = values

    def to_dict(self) -> dict[str, object]:
        return self.values


class Recorder(httpx.BaseTransport):
    """Respond to each batch with the name of each image, or with the row, as the code of a problem."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.requests.append(request)
        if request.headers["Content-Type"] == "application/json":
            codes = [json.dumps(row) for row in json.loads(body)["features"]]
        else:
            codes = [part.split(b'"')[0].decode() for part in body.split(b'filename="')[1:]]
        results = [{"prediction": None, "error": {"code": code, "detail": "", "errors": []}} for code in codes]
        return httpx.Response(200, json={"results": results})


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def client(recorder):
    with Client("http://mlsite.test", "token", transport=recorder, retries=RetryPolicy(max_retries=0)) as client:
        yield client


def test_a_file_that_cannot_be_read_does_not_affect_the_others(client, recorder, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(MAX_BATCH_IMAGES + 4)]
    for path in paths[1:]:
        path.write_bytes(b"image")
    paths[5].unlink()
    paths[5].mkdir()
    paths[-1].unlink()
    steps: list[tuple[int, int]] = []
    results = client.predict_many(paths, progress=lambda done, total: steps.append((done, total)))
    unreadable = {paths[0], paths[5], paths[-1]}
    assert [result.code for result in results] == ["unreadable-file" if path in unreadable else path.name for path in paths]
    assert str(paths[0]) in results[0].detail
    assert len(recorder.requests) == 2 and steps[-1] == (len(paths), len(paths))


def test_files_of_which_none_can_be_read_are_not_sent(client, recorder, tmp_path):
    assert [result.code for result in client.predict_many([tmp_path, tmp_path / "missing.png"])] == ["unreadable-file"] * 2
    assert not recorder.requests


@pytest.mark.parametrize(
    "inputs", ["a.png", b"image", {"a": 1}, [b"image", {"a": 1}], [{"a": 1}, "a.png"], [[1, 2]], [None]]
)
def test_inputs_of_another_type_are_rejected_before_any_is_sent(client, recorder, inputs):
    with pytest.raises(TypeError, match="Expected"):
        client.predict_many(inputs)
    assert not recorder.requests


def test_an_infinite_number_is_an_invalid_input_and_no_invalid_json(client):
    rows = [Series(a=float("inf"), b=Decimal("1.5")), {"a": float("nan"), "b": Decimal("NaN")}]
    results = client.predict_many(rows)
    assert [json.loads(result.code) for result in results if isinstance(result, Problem)] == [
        {"a": "inf", "b": 1.5},
        {"a": None, "b": None},
    ]


def test_a_row_of_a_data_frame_is_an_object():
    assert to_json(Series(a=1, b=[2.0])) == {"a": 1, "b": [2.0]}


def get_sent_key(key):
    return next(create(Request("POST", "/"), RetryPolicy(), key)).headers["Idempotency-Key"]


def test_a_key_is_quoted_if_necessary():
    assert get_sent_key("a b") == "a b"
    assert get_sent_key("a,b") == '"a,b"'
    assert get_sent_key('a"\\') == '"a\\"\\\\"'


@pytest.mark.parametrize("key", [" ", "a\nb", "é", "a" * 256])
def test_a_key_that_the_server_would_reject_is_not_sent(client, recorder, key):
    with pytest.raises(ValueError, match="1 to 255 printable ASCII characters"):
        client.predict(features={}, idempotency_key=key)
    assert not recorder.requests


def test_the_line_break_at_the_end_of_a_token_is_removed(recorder):
    with Client("http://mlsite.test", "token\n", transport=recorder) as client:
        client.predict_many([{}])
    assert recorder.requests[0].headers["Authorization"] == "Bearer token"
    with pytest.raises(ValueError) as caught:
        Client("http://mlsite.test", "secret\nsecret")
    assert "secret" not in str(caught.value)


def test_a_missing_file_of_certificates_is_named(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/missing/site.pem")
    with pytest.raises(ValueError, match="SSL_CERT_FILE does not exist"):
        Client("https://example.org", "token")


def test_a_url_without_a_scheme_is_an_error_at_once():
    with Client("mlsite.test", "token", retries=RetryPolicy(first_seconds=60)) as client, pytest.raises(ConnectionFailed):
        client.predict_many([{}])
