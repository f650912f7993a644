"""Invalid requests in the Open Inference Protocol, authentication, readiness, and URLs."""

import json
import time

import pytest
from django.test import Client
from rest_framework.exceptions import ParseError

from inference.errors import InvalidInput, ModelFailed, Overloaded
from inference.tests.factories import make_image
from predictions.api.v2.requests import read_request
from predictions.models import Input, Prediction
from predictions.tests.runtimes import SwitchedRuntime
from predictions.tests.v2_requests import (
    ROW,
    get_error,
    get_outputs,
    infer,
    infer_binary,
    join_elements,
    make_image_input,
    make_input,
    make_row_inputs,
)
from registry.services import register_model
from registry.tests.factories import damage_artifact, set_runtime

pytestmark = pytest.mark.django_db
URL = "/v2/models/flowers/infer"
LENGTH = make_input("length", "FP64", [1.0])
PETALS = make_input("petals", "INT64", [1])


def replace(**members):
    """Return the inputs of a row with changed members of the first input. None removes a member."""
    changed = {key: value for key, value in {**LENGTH, **members}.items() if value is not None}
    return [changed, PETALS]


MALFORMED_BODIES = [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b"\xff", "not valid JSON"),
    (b"[]", "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"{}", "Expected inputs to be a list"),
    (b'{"inputs": []}', "Expected 1 to 10,001 inputs. Received: 0."),
    (b'{"inputs": {}}', "Expected inputs to be a list"),
    (b'{"inputs": [5]}', "Expected inputs to be a list"),
    (b'{"inputs": [{"name": 5}]}', "Expected inputs to be a list"),
    (b'{"inputs": [{"name": "length", "shape": [1], "datatype": "FP64", "data": [NaN]}]}', "NaN is not JSON"),
    (b'{"inputs": [{"name": "length", "shape": [1], "datatype": "FP64", "data": [1e400]}]}', "too large"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"inputs": [], "inputs": []}', "duplicate key"),
]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"id":"' + b'\\"' * 5_000_000, "Unterminated string"),
        (b'{"inputs":["' + b"a" * 9_000_000 + b'\\\n"]}', "not valid JSON"),
        (b'{"inputs":[' + b'"a",' * 3_000_000 + b"1]}", "Expected at most 8 MB of JSON"),
    ],
    ids=["quotation marks", "line break", "short strings"],
)
def test_large_json_is_rejected_in_time_that_grows_with_its_size(body, message):
    """The time of a check that starts again at each quotation mark grows with the square of the size."""
    started = time.thread_time()
    with pytest.raises((InvalidInput, ParseError), match=message):
        read_request(body, header_length=None)
    assert time.thread_time() - started < 2


def test_binary_elements_are_counted_before_they_are_read(flowers, api, settings):
    settings.MAX_BATCH_VALUES = 4
    for count, status in ((4, 400), (5, 413)):
        response = infer_binary(api, "flowers", [("colour", "BYTES", [count], join_elements(*[b"x"] * count))])
        get_error(response, status)


def test_malformed_bodies_are_rejected(flowers, api):
    for body, message in MALFORMED_BODIES:
        assert message in get_error(api.post(URL, body, content_type="application/json"), 400), body[:60]


INVALID_MEMBERS = [
    ({"id": 5}, "Expected id to be a string"),
    ({"id": "x" * 256}, "at most 255 characters"),
    ({"parameters": []}, "Expected parameters of the request"),
    ({"parameters": {"binary_data_output": "yes"}}, "Expected binary_data_output to be true or false"),
    ({"outputs": {}}, "Expected outputs to be a list"),
    ({"outputs": "label"}, "Expected outputs to be a list"),
    ({"outputs": [{"name": "scores"}]}, "The outputs are value, prediction_id"),
    ({"outputs": [{"name": "value"}, {"name": "value"}]}, "must be unique"),
    ({"outputs": [{"name": "value", "parameters": {"binary_data": 1}}]}, "Expected binary_data to be true or false"),
    ({"outputs": [{"name": "value", "parameters": {"classification": 3}}]}, "classification extension"),
    ({"outputs": [{"name": "value", "parameters": {"shared_memory_region": "x"}}]}, "Shared memory is not supported"),
    ({"inputs": [LENGTH, LENGTH]}, "must be unique"),
    ({"inputs": [LENGTH]}, "Missing inputs: petals"),
    ({"inputs": [LENGTH, make_input("petal", "INT64", [1])]}, "Did you mean 'petals'?"),
    ({"inputs": [LENGTH, make_input("petals", "INT64", [1, 2])]}, "Expected 1 rows, as in 'length'. Received: 2 rows."),
    ({"inputs": [make_input("length", "FP64", []), make_input("petals", "INT64", [])]}, "at least one row"),
    ({"inputs": replace(parameters=5)}, "Expected parameters of input length"),
    ({"inputs": replace(parameters={"shared_memory_region": "x"})}, "Shared memory is not supported"),
    ({"inputs": replace(parameters={"binary_data_size": 8}, data=None)}, "binary_data_size to be at most 0"),
    ({"inputs": replace(datatype="BF16")}, "BF16 is not supported. Convert the tensor to FP32."),
    ({"inputs": replace(datatype="float")}, "Expected datatype to be one of BOOL, "),
    ({"inputs": replace(datatype=["FP64"])}, "Expected datatype to be one of BOOL, "),
    ({"inputs": replace(datatype=None)}, "Expected datatype to be one of BOOL, "),
    ({"inputs": replace(shape=None)}, "Expected shape to be a list"),
    ({"inputs": replace(shape=1)}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[-1])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[True])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[1.0])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=["1"])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[2**63])}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[1] * 9)}, "Expected shape to be a list"),
    ({"inputs": replace(shape=[2**62, 2**62])}, "Received: 1 elements in data"),
    ({"inputs": replace(shape=[2])}, "Shape [2] has 2 elements. Received: 1 elements"),
    ({"inputs": replace(shape=[0])}, "Shape [0] has 0 elements. Received: 1 elements"),
    ({"inputs": replace(shape=[1, 2], data=[1, 2])}, "Expected the shape [-1] or [-1, 1]"),
    ({"inputs": replace(data=None)}, "Expected data to be a list"),
    ({"inputs": replace(data="x")}, "Expected data to be a list"),
    ({"inputs": replace(data={"0": 1})}, "Expected data to be a list"),
    ({"inputs": replace(data=[[1]])}, "do not have the shape [1]"),
    ({"inputs": replace(shape=[1, 1], data=[[1, 2]])}, "do not have the shape [1, 1]"),
    ({"inputs": replace(shape=[2, 1], data=[[1], 2])}, "do not have the shape [2, 1]"),
    ({"inputs": replace(shape=[1, 1], data=[[[1]]])}, "do not have the shape [1, 1]"),
    ({"inputs": replace(data=["1"])}, "Expected numbers in data. Received at element 1: '1'"),
    ({"inputs": replace(data=[True])}, "Expected numbers in data"),
    ({"inputs": replace(data=[{}])}, "Expected numbers in data"),
    ({"inputs": replace(data=[10**400])}, "too large for FP64"),
    ({"inputs": replace(datatype="FP16", data=[70000])}, "too large for FP16"),
    ({"inputs": replace(datatype="FP32", data=[1e39])}, "too large for FP32"),
    ({"inputs": replace(datatype="INT64", data=[1.5])}, "Expected whole numbers in data"),
    ({"inputs": replace(datatype="UINT8", data=[256])}, "out of range for UINT8 (0 to 255)"),
    ({"inputs": replace(datatype="UINT64", data=[-1])}, "out of range for UINT64"),
    ({"inputs": replace(datatype="INT64", data=[2**63])}, "out of range for INT64"),
    ({"inputs": replace(datatype="BOOL", data=[1])}, "Expected true and false in data"),
    ({"inputs": replace(datatype="BYTES", data=[1])}, "Expected strings in data"),
    ({"inputs": replace(datatype="BYTES", data=["1"])}, "Row 1 of 1: length: Expected a number"),
    ({"inputs": replace(datatype="BOOL", data=[True])}, "Row 1 of 1: length: Expected a number"),
    ({"inputs": replace(data=[None])}, "Row 1 of 1: length: Missing."),
    ({"inputs": replace(name="\u202eabc")}, "The model has no such input"),
    ({"inputs": replace(name="x" * 5000)}, "The model has no such input"),
    ({"inputs": replace(name="")}, "The model has no such input"),
]


def test_invalid_requests_are_rejected_and_nothing_is_stored(flowers, api):
    for members, message in INVALID_MEMBERS:
        body = {"inputs": [LENGTH, PETALS], **members}
        error = get_error(api.post(URL, json.dumps(body), content_type="application/json"), 400)
        assert message in error, members
        assert len(error) < 700, members
    assert not Input.objects.exists()


INVALID_BINARY_DATA = [
    (("length", "FP64", [1], b"\0" * 7), {}, "FP64 of shape [1] has 8 bytes. Received: 7 bytes"),
    (("length", "FP64", [2**60], b"\0" * 8), {}, "Received: 8 bytes"),
    (("length", "FP64", [2**62, 2**62], b""), {}, "Received: 0 bytes"),
    (("length", "BYTES", [1], b"\0\0\0"), {}, "ends inside element 1"),
    (("length", "BYTES", [1], b"\xff\xff\xff\xff"), {}, "ends inside element 1"),
    (("length", "BYTES", [1], b"\5\0\0\0abcd"), {}, "ends inside element 1"),
    (
        ("length", "BYTES", [1], join_elements(b"a", b"b")),
        {},
        "Expected 1 elements for the shape. Received: more than 1",
    ),
    (("length", "BYTES", [2], join_elements(b"a")), {}, "Expected 2 elements for the shape. Received: 1"),
    (("length", "BYTES", [2**62], join_elements(b"a")), {}, "Received: 1"),
    (("length", "BYTES", [1], b"\0" * 4_000_000), {}, "Received: more than 1"),
    (("length", "BOOL", [1], b"\2"), {}, "Expected bytes of 0 or 1"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "-1"}, "Expected Inference-Header-Content-Length"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "x"}, "Expected Inference-Header-Content-Length"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "999999"}, "Expected Inference-Header-Content-Length"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "9" * 5000}, "Expected Inference-Header-Content-Length"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "٣"}, "Expected Inference-Header-Content-Length"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "0"}, "not valid JSON"),
    (("length", "FP64", [1], b"\0" * 8), {"header_length": "20"}, "not valid JSON"),
]


def test_invalid_binary_data_is_rejected(flowers, api):
    for tensor, options, message in INVALID_BINARY_DATA:
        error = get_error(infer_binary(api, "flowers", [tensor], **options), 400)
        assert message in error, (tensor[:3], options)
    assert not Input.objects.exists()


def test_binary_data_must_be_declared(flowers, api):
    tensor = {"name": "length", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}}
    for inputs, data, message in (
        ([tensor], b"\0" * 9, "1 bytes of binary data more"),
        ([tensor], b"\0" * 7, "binary_data_size to be at most 7"),
        ([{**tensor, "data": [1.0]}], b"\0" * 8, "Received: both"),
        ([{**tensor, "parameters": {"binary_data_size": -8}}], b"\0" * 8, "binary_data_size to be at most 8"),
        ([{**tensor, "parameters": {"binary_data_size": 8.0}}], b"\0" * 8, "binary_data_size to be at most 8"),
        ([{**tensor, "parameters": {"binary_data_size": True}}], b"\0" * 8, "binary_data_size to be at most 8"),
    ):
        header = json.dumps({"inputs": inputs}).encode()
        headers = {"inference-header-content-length": str(len(header))}
        response = api.post(URL, header + data, content_type="application/octet-stream", headers=headers)
        assert message in get_error(response, 400)


def test_the_media_types_of_clients_are_accepted(flowers, api):
    body = json.dumps({"inputs": [LENGTH, PETALS]})
    for content_type in ("text/plain", "multipart/form-data; boundary=x", "application/xml"):
        assert get_error(api.generic("POST", URL, body, content_type=content_type), 415)
    headers = {"accept": "text/html"}  # the protocol has no content negotiation
    for content_type in ("", "application/json; charset=utf-8", "application/x-www-form-urlencoded"):
        assert get_outputs(api.generic("POST", URL, body, content_type=content_type, headers=headers))


def test_a_token_is_required_except_for_the_state_of_the_server(flowers, user, client):
    for path in ("/v2", "/v2/health/live"):
        assert client.get(path).status_code == 200
    assert client.get("/v2").json() == {
        "name": "mlsite",
        "version": client.get("/healthz").content.decode().split()[-1],
        "extensions": ["binary_tensor_data"],
    }
    client.force_login(user)  # a session is not enough: the protocol has no CSRF token
    for path in ("flowers", "flowers/ready", "flowers/versions/1", "flowers/versions/1/ready", "nope"):
        response = client.get(f"/v2/models/{path}")
        assert "Authorization: Bearer" in get_error(response, 401)
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert get_error(infer(client, "flowers", make_row_inputs(ROW)), 401)
    assert get_error(infer(Client(headers={"authorization": "Bearer x"}), "flowers", make_row_inputs(ROW)), 401)
    assert not Input.objects.exists()


def test_unknown_models_and_versions_are_not_found(flowers, api):
    for path, message in (
        ("nope", "No model named 'nope'"),
        ("flower", "Did you mean flowers?"),
        ("flowers@staging", "has no alias staging"),
        ("flowers/versions/2", "has no version 2"),
        ("flowers/versions/0", "Expected a model as name"),
        ("flowers/versions/x", "Expected /v2/models/{name}/versions/{number}"),
        ("flowers/versions/٣", "Expected /v2/models/{name}/versions/{number}"),
        ("flowers/versions/" + "9" * 5000, "Expected a model as name"),
        ("flowers@production/versions/1", "Expected /v2/models/{name}/versions/{number}"),
        ("%00", "Expected a model as name"),
        ("A" * 5000, "Expected a model as name"),
    ):
        assert message in get_error(api.get(f"/v2/models/{path}"), 404)
        assert message in get_error(infer(api, path, make_row_inputs(ROW)), 404)
        assert message in get_error(api.get(f"/v2/models/{path}/ready"), 404)


def test_other_urls_are_errors_of_the_protocol(api):
    for path in ("/v2/models", "/v2/x", "/v2/models/flowers/config", "/v2/repository/index", "/v2/"):
        assert get_error(api.get(path), 404)
        assert get_error(api.post(path, "{}", content_type="application/json"), 404)


def test_other_methods_are_not_allowed(flowers, api):
    for path in (URL, "/v2/models/flowers", "/v2", "/v2/health/ready"):
        assert get_error(api.delete(path), 405)
    assert get_error(api.get(URL), 405)
    assert get_error(api.post("/v2/health/live", "{}", content_type="application/json"), 405)


def test_inactive_models_are_refused(write_rows, api, reviewer, token_headers):
    register_model(path=write_rows(name="draft"))
    assert "draft" in get_error(infer(api, "draft/versions/1", make_row_inputs(ROW)), 409)
    assert get_outputs(infer(Client(headers=token_headers(reviewer)), "draft/versions/1", make_row_inputs(ROW)))


def test_the_request_rate_is_limited(flowers, api, monkeypatch):
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "1/minute"})
    assert get_outputs(infer(api, "flowers", make_row_inputs(ROW)))
    response = infer(api, "flowers", make_row_inputs(ROW))
    assert "throttled" in get_error(response, 429)
    assert int(response["Retry-After"]) > 0


def test_a_ready_model_can_be_loaded(flowers, api):
    assert api.get("/v2/models/flowers/ready").json() == {"name": "flowers", "ready": True}
    damage_artifact(flowers)
    response = api.get("/v2/models/flowers/versions/1/ready")
    assert "cannot be loaded" in get_error(response, 503)
    assert (response.json()["name"], response.json()["ready"]) == ("flowers", False)
    error = get_error(infer(api, "flowers", make_row_inputs(ROW)), 409)
    assert "1 of 1 rows" in error
    assert Prediction.objects.get().error_code == "artifact-mismatch"


def test_the_server_is_ready_if_readyz_is(client, db):
    for path in ("/v2/health/ready", "/readyz"):
        assert client.get(path).status_code == 200
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}


def test_a_full_queue_and_a_failing_row(write_dummy, api):
    folder = write_dummy(name="switched")
    set_runtime(folder, "predictions.tests.runtimes.SwitchedRuntime")
    SwitchedRuntime.is_open.set()
    register_model(path=folder, promote=True, trusted=True)
    try:
        get_outputs(infer(api, "switched", [make_image_input(make_image(1))]))  # loads the model
        count = Input.objects.count()
        SwitchedRuntime.error = Overloaded("The queue is full.")
        response = infer(api, "switched", [make_image_input(make_image(1))])
        assert get_error(response, 503)
        assert response["Retry-After"]
        assert Input.objects.count() == count
        SwitchedRuntime.error = ModelFailed("switched:1 failed: OSError.")
        assert "switched:1 failed: OSError." in get_error(infer(api, "switched", [make_image_input(make_image(1))]), 500)
    finally:
        SwitchedRuntime.error = None


def test_an_internal_error_is_an_error_of_the_protocol(flowers, api, monkeypatch):
    monkeypatch.setattr("predictions.api.v2.views.PLATFORMS", None)
    api.raise_request_exception = False
    assert "internal error" in get_error(api.get("/v2/models/flowers"), 500)


def test_a_full_disk_is_an_error_of_the_protocol(shades, api, fill_disk):
    assert "no space left" in get_error(infer(api, "shades", [make_image_input(make_image(1))]), 507)
    assert not Input.objects.exists()


def test_a_repeated_request_gets_the_first_response(flowers, api):
    body = json.dumps({"inputs": make_row_inputs(ROW)})
    headers = {"idempotency-key": "order-7"}
    responses = [api.post(URL, body, content_type="application/json", headers=headers) for _ in range(2)]
    assert responses[0].content == responses[1].content
    assert responses[1]["Idempotent-Replayed"] == "true"
    assert Input.objects.count() == 1
    other = json.dumps({"inputs": make_row_inputs(ROW, ROW)})
    assert get_error(api.post(URL, other, content_type="application/json", headers=headers), 422)
    assert get_error(api.post(URL, body, content_type="application/json", headers={"idempotency-key": "é"}), 400)
