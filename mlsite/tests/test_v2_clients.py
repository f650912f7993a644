"""Clients of the Open Inference Protocol, unmodified, with a running site."""

import json

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES, build_auth_header

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("site")]
IRIS = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.5, 5.0, 1.9]]
DIGITS = sorted(SAMPLES.glob("*.png"))[:3]


@pytest.fixture(scope="module")
def token(site):
    return site.create_token()


@pytest.fixture
def client(site):
    with triton.InferenceServerClient(site.url.removeprefix("http://")) as client:
        yield client


def make_input(name, array, datatype, *, binary=True):
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def get_prediction(site, token, identifier):
    return site.get(f"{PREDICTIONS_PATH}{identifier}/", token).json()


def test_the_server_and_the_metadata(site, token, client):
    headers = build_auth_header(token)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert client.is_model_ready("digits", headers=headers)
    assert client.is_model_ready("digits", "1", headers=headers)
    assert not client.is_model_ready("digits", "99", headers=headers)
    for name in ("digits", "iris"):
        metadata = client.get_model_metadata(name, headers=headers)
        model = site.get(f"/api/v1/models/{name}/", token).json()
        version = model["versions"][0]
        assert (metadata["name"], metadata["versions"]) == (
            model["name"],
            [str(item["number"]) for item in model["versions"]],
        )
        scores = next(item for item in metadata["outputs"] if item["name"] == "scores")
        assert json.loads(scores["parameters"]["labels"]) == version["labels"]
        assert scores["shape"] == [-1, len(version["labels"])]
        features = [feature["name"] for feature in version["signature"]["input"].get("features", ())]
        assert [item["name"] for item in metadata["inputs"]] == (features or ["image"])


def test_images_give_the_numbers_of_the_rest_api(site, token, client):
    files = np.array([path.read_bytes() for path in DIGITS], np.object_)
    result = client.infer(
        "digits", [make_input("image", files, "BYTES")], headers=build_auth_header(token), request_id="a 1"
    )
    labels = json.loads(result.get_output("scores")["parameters"]["labels"])
    identifiers = result.as_numpy("prediction_id")
    for row, path in enumerate(DIGITS):
        expected = site.predict(path.read_bytes(), token, model="digits").json()
        assert result.as_numpy("label")[row].decode() == expected["label"]
        assert result.as_numpy("confidence")[row] == pytest.approx(expected["confidence"], abs=1e-6)
        scores = dict(zip(labels, result.as_numpy("scores")[row], strict=True))
        assert scores == pytest.approx(expected["output"]["scores"], abs=1e-6)
        stored = get_prediction(site, token, identifiers[row].decode())
        assert (stored["source"], stored["client_reference"]) == ("v2", "a 1")
        assert stored["input"]["sha256"] == expected["input"]["sha256"]
    assert result.get_response()["id"] == "a 1"


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_tables_give_the_numbers_of_the_rest_api(site, token, client, binary):
    headers = build_auth_header(token)
    names = [item["name"] for item in client.get_model_metadata("iris", headers=headers)["inputs"]]
    rows = np.array(IRIS)
    columns = [make_input(name, rows[:, [i]], "FP64", binary=binary) for i, name in enumerate(names)]
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("label", "scores")]
    combined = make_input("input-0", rows.astype(np.float32), "FP32", binary=binary)
    for inputs in (columns, [combined]):
        result = client.infer("iris", inputs, outputs=outputs, headers=dict(headers))
        labels = json.loads(result.get_output("scores")["parameters"]["labels"])
        for row, values in enumerate(IRIS):
            body = {"model": "iris", "features": dict(zip(names, values, strict=True))}
            expected = site.post(PREDICTIONS_PATH, token, json=body).json()
            label = result.as_numpy("label")[row]
            assert (label.decode() if binary else label) == expected["label"]
            scores = dict(zip(labels, result.as_numpy("scores")[row], strict=True))
            assert scores == pytest.approx(expected["output"]["scores"], abs=1e-6)


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_requests_can_be_compressed(site, token, client, algorithm):
    combined = make_input("input-0", np.array(IRIS, np.float32), "FP32")
    options = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
    results = [
        client.infer("iris", [combined], headers=build_auth_header(token), **chosen).as_numpy("scores").tolist()
        for chosen in ({}, options)
    ]
    assert results[0] == results[1]


def test_errors_are_messages_of_the_client(site, token, client):
    headers = build_auth_header(token)
    image = make_input("image", np.array([b"text"], np.object_), "BYTES")
    for name, options, status, message in (
        ("digits", {"headers": headers}, "400", "Row 1 of 1: The file is not an image"),
        ("digits", {}, "401", "Authorization: Bearer"),
        ("digit", {"headers": headers}, "404", "Did you mean digits?"),
        ("digits", {"headers": headers, "model_version": "99"}, "404", "has no version 99"),
    ):
        with pytest.raises(InferenceServerException, match=message) as caught:
            client.infer(name, [image], **{**options, "headers": dict(options.get("headers", {}))})
        assert caught.value.status() == status
    with pytest.raises(InferenceServerException, match="no such URL") as caught:
        client.get_model_config("digits", headers=headers)
    assert caught.value.status() == "404"


def test_other_urls_are_not_pages(site):
    for path in ("/v2/", "/v2/models", "/v2/repository/index"):
        response = requests.get(site.url + path, timeout=60)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/json")
