"""The Open Inference Protocol with images, and the outputs of classification."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.v2_requests import (
    get_error,
    get_outputs,
    infer,
    infer_binary,
    join_elements,
    make_image_input,
    make_input,
    read_binary_outputs,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
IMAGES = [make_image(0), make_noise_image(3), make_image(255)]


def predict_by_rest(api, image, model="shades"):
    return api.post(PREDICTIONS_URL, {"image": make_upload(image), "model": model}).json()


def test_images_in_json_equal_the_rest_api(shades, api):
    outputs = get_outputs(infer(api, "shades", [make_image_input(*IMAGES, shape=[3, 1])]))
    expected = [predict_by_rest(api, image) for image in IMAGES]
    assert outputs["label"] == [item["label"] for item in expected]
    assert outputs["confidence"] == [item["confidence"] for item in expected]
    scores = np.reshape(outputs["scores"], (3, 3))
    for row, item in zip(scores, expected, strict=True):
        assert dict(zip(shades.labels, row, strict=True)) == pytest.approx(item["output"]["scores"], abs=1e-6)
    stored = [Prediction.objects.select_related("input").get(pk=pk) for pk in outputs["prediction_id"]]
    assert [item.input.sha256 for item in stored] == [item["input"]["sha256"] for item in expected]


def test_binary_images_equal_images_in_json(shades, api):
    tensors = [("image", "BYTES", [3], join_elements(*IMAGES))]
    binary = get_outputs(infer_binary(api, "shades", tensors))
    in_json = get_outputs(infer(api, "shades", [make_image_input(*IMAGES)]))
    del binary["prediction_id"], in_json["prediction_id"]
    assert binary == in_json
    outputs = read_binary_outputs(infer_binary(api, "shades", tensors, parameters={"binary_data_output": True}))
    assert outputs["label"][0] == join_elements(*(label.encode() for label in in_json["label"]))
    assert np.frombuffer(outputs["scores"][0], "<f8").tolist() == in_json["scores"]
    assert outputs["scores"][1:] == ("FP64", [3, 3])


@pytest.mark.parametrize(("datatype", "shape"), [("UINT8", [2, 9, 8, 3]), ("UINT8", [2, 9, 8]), ("UINT16", [2, 9, 8, 1])])
def test_pixels_are_stored_without_loss(shades, api, settings, datatype, shape):
    dtype = {"UINT8": "<u1", "UINT16": "<u2"}[datatype]
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    outputs = get_outputs(infer_binary(api, "shades", [("image", datatype, shape, pixels.tobytes())]))
    rows = [Prediction.objects.get(pk=pk).input for pk in outputs["prediction_id"]]
    for row, expected, label in zip(rows, pixels, outputs["label"], strict=True):
        data = row.image.read()
        row.image.close()
        assert (row.content_type, row.width, row.height) == ("image/png", 8, 9)
        assert (np.asarray(Image.open(io.BytesIO(data))) == expected.squeeze()).all()
        assert predict_by_rest(api, data)["label"] == label
    nested = make_input("image", datatype, pixels.tolist(), shape)
    assert get_outputs(infer(api, "shades", [nested]))["label"] == outputs["label"]


OTHER_TENSORS = [
    ("FP32", [1, 8, 8, 1], "FP32 is not a datatype of images"),
    ("INT64", [1, 8, 8, 1], "INT64 is not a datatype of images"),
    ("UINT8", [1, 8, 8, 2], "is not a shape of images"),
    ("UINT8", [1, 3, 8, 8], "is not a shape of images"),
    ("UINT16", [1, 8, 8, 3], "is not a shape of images"),
    ("UINT8", [1, 64], "is not a shape of images"),
    ("UINT8", [1, 7, 8, 1], "Received: 8 × 7 pixels"),
    ("UINT8", [1, 8, 8, 1, 1], "is not a shape of images"),
    ("UINT8", [1, 8, 0, 1], "Received: 0 × 8 pixels"),
]


def test_other_tensors_are_not_images(shades, api):
    for datatype, shape, message in OTHER_TENSORS:
        dtype = {"FP32": "<f4", "INT64": "<i8", "UINT8": "<u1", "UINT16": "<u2"}[datatype]
        data = np.zeros(shape, dtype).tobytes()
        assert message in get_error(infer_binary(api, "shades", [("image", datatype, shape, data)]), 400), shape
    assert not Input.objects.exists()


INVALID_IMAGES = [
    (b"GIF89a" + b"\0" * 50, 415, "Row 2 of 2: GIF images are not supported"),
    (b"text", 400, "Row 2 of 2: The file is not an image"),
    (b"", 400, "Row 2 of 2: The file is empty"),
    (make_noise_image(1)[:90], 400, "Row 2 of 2: The image is incomplete"),
]


def test_an_invalid_image_is_named_and_nothing_is_stored(shades, api):
    for value, status, message in INVALID_IMAGES:
        assert message in get_error(infer(api, "shades", [make_image_input(make_image(9), value)]), status)
        binary = [("image", "BYTES", [2], join_elements(make_image(9), value))]
        assert message in get_error(infer_binary(api, "shades", binary), status)
    assert not Input.objects.exists()


def test_a_value_that_is_not_base64_is_named(shades, api):
    for value in ("https://example.org/cat.png", "/etc/passwd", "AAAAA", "é", None):
        assert "row 1: " in get_error(infer(api, "shades", [make_input("image", "BYTES", [value])]), 400)


def test_a_file_above_the_limit_is_rejected(shades, api, settings):
    settings.MAX_UPLOAD_BYTES = 50
    assert "Row 1 of 1: The file is too large" in get_error(infer(api, "shades", [make_image_input(make_image(9))]), 413)


def test_the_number_of_images_is_limited(shades, api, settings):
    settings.MAX_BATCH_IMAGES = 1
    assert "at most 1 images" in get_error(infer(api, "shades", [make_image_input(*IMAGES)]), 413)


def test_a_body_above_the_limit_is_rejected(shades, api, settings):
    settings.MAX_BATCH_BYTES = settings.FORM_OVERHEAD_BYTES = 100
    assert "The request is too large" in get_error(infer(api, "shades", [make_image_input(*IMAGES)]), 413)


def test_json_is_limited_without_its_images(shades, api, settings):
    image = make_noise_image(5, size=(64, 64))
    size = len(json.dumps({"inputs": [make_image_input(image)]}))
    settings.MAX_BATCH_JSON_BYTES = 200
    assert size > 4000
    assert len(get_outputs(infer(api, "shades", [make_image_input(image)]))["label"]) == 1
    many = make_input("image", "BYTES", ["AAAA"] * 99)
    assert "Send the tensors as binary data" in get_error(infer(api, "shades", [many]), 413)
    assert "Send the tensors" in get_error(infer(api, "shades", [make_input("a", "FP64", [[0.5] * 99])]), 413)
    binary = [("image", "BYTES", [1], join_elements(image))]
    assert len(get_outputs(infer_binary(api, "shades", binary))["label"]) == 1


def test_a_body_above_the_limit_of_other_json_is_accepted(shades, api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = settings.MAX_JSON_BYTES = 100
    assert len(get_outputs(infer(api, "shades", [make_image_input(*IMAGES)]))["label"]) == 3


def test_a_multi_label_model_marks_the_predicted_labels(blends, api):
    image = make_image(64)
    outputs = get_outputs(infer(api, "blends", [make_image_input(image)]))
    expected = predict_by_rest(api, image, "blends")
    assert outputs["labels"] == [label in expected["labels"] for label in blends.labels]
    assert outputs["scores"] == [expected["output"]["scores"][label] for label in blends.labels]


def test_an_image_with_features(parcels, api):
    image = make_image(255, size=(8, 8))
    inputs = [make_image_input(image), make_input("weight", "FP64", [3], [1, 1])]
    expected = api.post(
        PREDICTIONS_URL, {"image": make_upload(image), "features": '{"weight": 3}', "model": "parcels"}
    ).json()
    assert get_outputs(infer(api, "parcels", inputs))["value"] == [expected["value"]]
    assert Input.objects.latest("id").sha256 == expected["input"]["sha256"]
    assert "Expected 1 rows" in get_error(infer(api, "parcels", [*inputs[:1], make_input("weight", "FP64", [3, 4])]), 400)
    assert "Missing inputs: weight" in get_error(infer(api, "parcels", inputs[:1]), 400)


def test_a_failed_model_stores_failed_predictions(register_failing, api):
    register_failing(nan=True)
    response = infer(api, "failing", [make_image_input(*IMAGES)], id="x")
    message = get_error(response, 500)
    stored = Prediction.objects.order_by("id")
    assert {item.status for item in stored} == {"failed"}
    assert [str(item.pk) for item in stored] == response.json()["prediction_ids"]
    assert message.startswith("The model failed for 3 of 3 rows. All rows are stored")
    assert str(stored[0].pk) in message


def test_metadata_describes_the_outputs_that_are_returned(shades, blends, flowers, reviews, parcels, api):
    for version in (shades, blends, flowers, reviews, parcels):
        metadata = api.get(f"/v2/models/{version.model.name}").json()
        assert (metadata["name"], metadata["versions"], metadata["platform"]) == (version.model.name, ["1"], "dummy")
        assert api.get(f"/v2/models/{version.model.name}/versions/1").json() == metadata
    metadata = api.get("/v2/models/shades").json()
    assert metadata["inputs"] == [
        {"name": "image", "datatype": "BYTES", "shape": [-1], "parameters": {"content_type": "base64"}}
    ]
    outputs = infer(api, "shades", [make_image_input(*IMAGES)]).json()["outputs"]
    described = [{**output, "shape": [-1, *output["shape"][1:]]} for output in outputs]
    assert metadata["outputs"] == [{key: value for key, value in item.items() if key != "data"} for item in described]
    assert json.loads(metadata["outputs"][2]["parameters"]["labels"]) == ["black", "grey", "white"]
    assert [item["name"] for item in api.get("/v2/models/parcels").json()["inputs"]] == ["image", "weight", "express"]
    assert api.get("/v2/models/flowers").json()["inputs"] == [
        {"name": "length", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "petals", "datatype": "INT64", "shape": [-1, 1]},
        {"name": "colour", "datatype": "BYTES", "shape": [-1, 1], "parameters": {"content_type": "str", "optional": True}},
        {"name": "wild", "datatype": "BOOL", "shape": [-1, 1], "parameters": {"optional": True}},
    ]
