"""Invalid requests in the Open Inference Protocol."""

import json
import time

import pytest
from rest_framework.exceptions import ParseError

from inference.errors import InvalidInput
from predictions.api.v2.requests import read_request
from predictions.models import Input
from predictions.tests.v2_requests import (
    get_error,
    get_outputs,
    infer_binary,
    join_elements,
    make_input,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
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
