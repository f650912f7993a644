"""The Open Inference Protocol with tables and texts."""

import json

import numpy as np
import pytest

from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL
from predictions.tests.v2_requests import (
    ROW,
    get_error,
    get_outputs,
    infer,
    infer_binary,
    join_elements,
    make_input,
    make_row_inputs,
    read_binary_outputs,
)
from registry.services import register_model

pytestmark = pytest.mark.django_db
NUMBERS_TOML = """
[output]
kind = "value"
[input]
kind = "tabular"
[[input.features]]
name = "a"
max = 0.1
[[input.features]]
name = "b"
type = "integer"
required = false
[[input.features]]
name = "c"
type = "boolean"
default = false
"""


@pytest.fixture
def numbers(db, tmp_path):
    """Return a version in production that takes numbers only: the value is their sum."""
    folder = tmp_path / "numbers"
    folder.mkdir()
    (folder / "numbers.dummy.json").write_text('{"sum": 1}')
    (folder / "model.toml").write_text('name = "numbers"\nartifact = "numbers.dummy.json"\n' + NUMBERS_TOML)
    return register_model(path=folder, promote=True)


def test_one_input_for_each_feature_equals_the_rest_api(flowers, api, user):
    rows = [ROW, {**ROW, "length": 1.25, "petals": 9, "colour": "blue", "wild": False}]
    outputs = get_outputs(infer(api, "flowers", make_row_inputs(*rows), id="order-7"))
    expected = [api.post(PREDICTIONS_URL, {"features": row}, content_type="application/json").json() for row in rows]
    assert outputs["value"] == [item["value"] for item in expected]
    stored = [Prediction.objects.select_related("input").get(pk=pk) for pk in outputs["prediction_id"]]
    assert [item.input.features for item in stored] == [item["input"]["features"] for item in expected]
    assert {(item.user, item.source, item.client_reference, item.model_version) for item in stored} == {
        (user, "v2", "order-7", flowers)
    }


def test_the_response_repeats_the_id_and_names_the_version(flowers, api):
    body = infer(api, "flowers", make_row_inputs(ROW), id="é 1").json()
    assert {name: body[name] for name in ("model_name", "model_version", "id")} == {
        "model_name": "flowers",
        "model_version": "1",
        "id": "é 1",
    }
    value, identifier = body["outputs"]
    assert (value["name"], value["datatype"], value["shape"]) == ("value", "FP64", [1])
    assert value["parameters"] == {"unit": "cm²"}
    assert (identifier["name"], identifier["datatype"]) == ("prediction_id", "BYTES")
    assert "id" not in infer(api, "flowers", make_row_inputs(ROW), id=None, parameters=None, outputs=None).json()


def test_models_are_named_by_alias_or_version(flowers, api):
    for path in ("flowers", "flowers@production", "flowers:1", "flowers/versions/1"):
        assert infer(api, path, make_row_inputs(ROW)).json()["model_version"] == "1"


def test_binary_tensors_give_the_same_numbers(flowers, api):
    tensors = [
        ("length", "FP64", [2, 1], np.array([4.5, 1.25], "<f8").tobytes()),
        ("petals", "INT64", [2, 1], np.array([5, 9], "<i8").tobytes()),
        ("colour", "BYTES", [2], join_elements(b"white", b"blue")),
        ("wild", "BOOL", [2, 1], b"\1\0"),
    ]
    parameters = {"binary_data_output": True, "sequence_id": 7, "timeout": 100}
    response = infer_binary(api, "flowers", tensors, parameters=parameters)
    outputs = read_binary_outputs(response)
    rows = [ROW, {**ROW, "length": 1.25, "petals": 9, "colour": "blue", "wild": False}]
    expected = get_outputs(infer(api, "flowers", make_row_inputs(*rows)))["value"]
    data, datatype, shape = outputs["value"]
    assert (np.frombuffer(data, "<f8").tolist(), datatype, shape) == (expected, "FP64", [2])
    assert len(outputs["prediction_id"][0]) == 2 * (4 + 36)


def test_outputs_are_selected_in_the_requested_order_and_form(flowers, api):
    outputs = [{"name": "prediction_id"}, {"name": "value", "parameters": {"binary_data": True}}]
    response = infer(api, "flowers", make_row_inputs(ROW), outputs=outputs)
    size = int(response["Inference-Header-Content-Length"])
    identifier, value = json.loads(response.content[:size])["outputs"]
    assert (identifier["name"], len(identifier["data"])) == ("prediction_id", 1)
    assert (value["name"], value["parameters"]) == ("value", {"unit": "cm²", "binary_data_size": 8})
    assert "data" not in value
    assert len(response.content) == size + 8
    only = infer(api, "flowers", make_row_inputs(ROW), outputs=[{"name": "value", "parameters": None}]).json()
    assert [output["name"] for output in only["outputs"]] == ["value"]


def test_optional_features_can_be_left_out_or_null(flowers, api):
    inputs = [make_input("length", "FP32", [[4.5], [1]], [2, 1]), make_input("petals", "FP64", [5.0, 6])]
    assert len(get_outputs(infer(api, "flowers", inputs))["value"]) == 2
    assert Input.objects.latest("id").features == {"length": 1.0, "petals": 6, "colour": "white", "wild": False}
    inputs += [make_input("colour", "BYTES", [None, "red"]), make_input("wild", "UINT8", [1, 0])]
    get_outputs(infer(api, "flowers", inputs))
    rows = Input.objects.order_by("id").values_list("features", flat=True)
    assert list(rows)[2:] == [
        {"length": 4.5, "petals": 5, "colour": "white", "wild": True},
        {"length": 1.0, "petals": 6, "colour": "red", "wild": False},
    ]


@pytest.mark.parametrize(("name", "data"), [("features", [0.1, 5, 1, -2, 7, 0]), ("input-0", [[0.1, 5, 1], [-2, 7, 0]])])
def test_one_tensor_can_contain_all_features_if_they_are_numbers(numbers, api, name, data):
    outputs = get_outputs(infer(api, "numbers", [make_input(name, "FP32", data, [2, 3])]))
    assert outputs["value"] == pytest.approx([6.1, 5])
    rows = Input.objects.order_by("id").values_list("features", flat=True)
    assert list(rows) == [{"a": 0.1, "b": 5, "c": True}, {"a": -2.0, "b": 7, "c": False}]


def test_nan_means_that_the_value_is_missing(numbers, api):
    data = np.array([[0.1, np.nan, np.nan]], "<f2")
    get_outputs(infer_binary(api, "numbers", [("x", "FP16", [1, 3], data.tobytes())]))
    assert Input.objects.get().features == {"a": 0.1, "b": None, "c": False}
    data = np.array([[np.nan, 1, 1]], "<f8")
    message = get_error(infer_binary(api, "numbers", [("x", "FP64", [1, 3], data.tobytes())]), 400)
    assert message.startswith("Row 1 of 1: a: Missing.")


def test_a_combined_tensor_needs_one_column_for_each_feature(numbers, flowers, api):
    for shape, data in (([1, 2], [0, 0]), ([3], [0, 0, 0]), ([1, 3, 1], [0, 0, 0])):
        message = get_error(infer(api, "numbers", [make_input("x", "FP32", data, shape)]), 400)
        assert "Expected the shape [-1, 3]" in message
    message = get_error(infer(api, "flowers", [make_input("x", "FP32", [0] * 4, [1, 4])]), 400)
    assert "The model has no such input" in message


def test_an_invalid_row_is_named_and_nothing_is_stored(flowers, api):
    for row, message in (
        ({"length": 11}, "Row 2 of 2: length: Expected a number from 0 to 10 cm"),
        ({"petals": -1}, "petals: "),
        ({"colour": "green"}, "colour: Expected one of"),
    ):
        assert message in get_error(infer(api, "flowers", make_row_inputs(ROW, {**ROW, **row})), 400)
    assert not Input.objects.exists()


def test_infinity_is_rejected(numbers, api):
    data = np.array([[0.1, np.inf, 1]], "<f4").tobytes()
    assert "Row 1 of 1: b: " in get_error(infer_binary(api, "numbers", [("x", "FP32", [1, 3], data)]), 400)
    assert not Input.objects.exists()


def test_a_text_model_takes_strings_and_binary_text(reviews, api):
    texts = ["Größe", "", "a" * 50]
    values = get_outputs(infer(api, "reviews", [make_input("text", "BYTES", texts, [3, 1])]))["value"]
    assert values == [5, 0, 50]
    data = join_elements(*(text.encode() for text in texts))
    assert get_outputs(infer_binary(api, "reviews", [("text", "BYTES", [3], data)]))["value"] == values
    assert set(Input.objects.values_list("kind", flat=True)) == {"text"}


INVALID_TEXTS = [
    (("text", "BYTES", [2], join_elements(b"a", b"\xff")), "row 2: Expected text in UTF-8"),
    (("text", "BYTES", [2], join_elements(b"a", b"b" * 51)), "Row 2 of 2: Expected text of at most 50"),
    (("text", "BYTES", [2], join_elements(b"a", b"\0")), "Row 2 of 2: Expected text without NUL"),
    (("text", "UINT8", [2], b"ab"), "Expected the datatype BYTES"),
]


def test_invalid_texts_are_rejected(reviews, api):
    for tensor, message in INVALID_TEXTS:
        assert message in get_error(infer_binary(api, "reviews", [tensor]), 400)
    assert "Received: null" in get_error(infer(api, "reviews", [make_input("text", "BYTES", [None])]), 400)
    assert not Input.objects.exists()


def test_the_number_of_rows_is_limited(flowers, api, settings):
    settings.MAX_BATCH_ROWS = 2
    message = get_error(infer(api, "flowers", make_row_inputs(ROW, ROW, ROW)), 413)
    assert message == "Expected at most 2 rows in one request. Received: 3. Send several requests."
    assert len(get_outputs(infer(api, "flowers", make_row_inputs(ROW, ROW)))["value"]) == 2
