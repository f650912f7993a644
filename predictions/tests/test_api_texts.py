"""Texts in the API."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from core.tests.problems import assert_problem
from inference.runtimes.dummy import DummyRuntime
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from registry.services import register_model
from registry.serving import build_pool

pytestmark = pytest.mark.django_db
HOSTILE_TEXTS = [
    "<script>alert(1)</script>",
    "\u202eevil\u202c שלום",
    "=1+1",
    "{{ 7 * 7 }}{% now 'Y' %}",
    "  unchanged \r\n\t ",
    "🙂" * 50,
    "\x01\x7f\ufeff\u2028",
    "' OR 1=1 --",
    "",
]


def post_json(api, body):
    text = body if isinstance(body, bytes) else json.dumps(body)
    return api.post(PREDICTIONS_URL, text, content_type="application/json")


@pytest.mark.parametrize("text", ["Größe", *HOSTILE_TEXTS])
def test_a_text_is_stored_unchanged(reviews, api, text):
    response = post_json(api, {"model": "reviews", "text": text})
    assert response.status_code == 201
    body = response.json()
    assert body["value"] == len(text)
    row = Input.objects.get()
    assert (row.kind, row.text, row.features, row.content_type) == ("text", text, {"text": text}, "text/plain")
    assert row.size == len(text.encode())
    assert body["input"]["sha256"] == row.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (body["input"]["kind"], body["input"]["text"], body["input"]["features"]) == ("text", text, None)
    assert api.get(body["url"]).json() == body
    assert api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"][0]["input"]["text"] == text


def test_a_text_can_be_a_part_of_a_form(reviews, api):
    response = api.post(PREDICTIONS_URL, {"model": "reviews", "text": "a\nb "})
    assert (response.status_code, response.json()["input"]["text"]) == (201, "a\nb ")


# The body, and the status, the field, the code, and a part of the message.
INVALID_BODIES = [
    ({}, 400, "text", "required", "The model reviews takes text, sent as JSON. Received: no input."),
    ({"features": {"text": "a"}}, 400, "text", "wrong-input", "Received: features."),
    ({"text": "a", "features": {}}, 400, "text", "wrong-input", "Received: features and text."),
    ({"text": "a", "feature_order": ["text"]}, 400, "feature_order", "wrong-input", "only valid with features"),
    ({"text": 5}, 400, "text", "wrong-type", "Expected text. Received: 5."),
    ({"text": ["a"]}, 400, "text", "wrong-type", 'Expected text. Received: ["a"].'),
    ({"text": None}, 400, "text", "null", "null"),
    ({"text": "a" * 51}, 400, "text", "too-long", "Expected text of at most 50 characters. Received: 51."),
    ({"text": "a" * 1_000_000}, 400, "text", "too-long", "Received: 1,000,000."),
    (b'{"model": "reviews", "text": "a\\u0000"}', 400, "", "malformed-json", "NUL"),
    (b'{"model": "reviews", "text": "\\ud800"}', 400, "", "malformed-json", "surrogate"),
    (b'{"model": "reviews", "text": "\xff"}', 400, "", "malformed-json", "not valid JSON"),
    ({"text": "a" * 2**20}, 413, "", "request-too-large", "too large"),
]


@pytest.mark.parametrize(("body", "status", "field", "code", "message"), INVALID_BODIES)
def test_invalid_texts_are_rejected_and_not_stored(reviews, api, body, status, field, code, message):
    body = body if isinstance(body, bytes) else {"model": "reviews", **body}
    problem = assert_problem(post_json(api, body), status, code)
    assert message in problem["detail"]
    assert [error["field"] for error in problem["errors"]] == ([field] if field else [])
    assert not Input.objects.exists()


def test_invalid_parts_of_a_form_are_rejected(reviews, api):
    for text, code in (("a\0", "wrong-type"), (make_upload(b"text", name="a.txt"), "wrong-type")):
        assert_problem(api.post(PREDICTIONS_URL, {"model": "reviews", "text": text}), 400, code)
    upload = {"model": "reviews", "image": make_upload(make_image(0))}
    assert_problem(api.post(PREDICTIONS_URL, upload), 400, "wrong-input")
    assert not Input.objects.exists()


@pytest.mark.parametrize(("fixture", "expected"), [("shades", "an image"), ("flowers", "features")])
def test_other_models_reject_a_text(request, api, fixture, expected):
    version = request.getfixturevalue(fixture)
    problem = assert_problem(post_json(api, {"model": version.model.name, "text": "a"}), 400, "wrong-input")
    assert f"takes {expected}, sent as" in problem["detail"]
    assert "Received: text." in problem["detail"]


def test_a_failed_prediction_keeps_its_text(reviews, api, settings, monkeypatch):
    path = Path(settings.MODEL_ROOT, reviews.artifact)
    content = path.read_bytes()
    path.unlink()
    build_pool.cache_clear()
    assert_problem(post_json(api, {"model": "reviews", "text": "unchanged"}), 503, "model-unavailable")
    assert not Prediction.objects.exists()  # the model did not run
    path.write_bytes(content)
    build_pool.cache_clear()
    monkeypatch.setattr(DummyRuntime, "_run_batch", lambda runtime, batch: np.full((len(batch), 1), np.nan, np.float32))
    assert_problem(post_json(api, {"model": "reviews", "text": "unchanged"}), 500, "model-output-invalid")
    prediction = Prediction.objects.select_related("input").get()
    assert (prediction.status, prediction.input.text) == ("failed", "unchanged")


def test_the_export_contains_the_text(reviews, api):
    post_json(api, {"model": "reviews", "text": "=1+1\nx"})
    lines = b"".join(api.get(f"{PREDICTIONS_URL}export/?format=jsonl").streaming_content).decode()
    row = json.loads(lines)
    assert (row["kind"], row["text"], row["features"]) == ("text", "=1+1\nx", None)
    csv = b"".join(api.get(f"{PREDICTIONS_URL}export/").streaming_content).decode()
    assert '"\'=1+1\nx"' in csv


def test_a_text_is_replayed_by_its_standby(reviews, api, tmp_path, settings):
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / "model.dummy.json").write_text(json.dumps({"sum": 3}))
    (folder / "model.toml").write_text('name = "reviews"\nartifact = "model.dummy.json"\n[input]\nkind = "text"\n')
    second = register_model(path=folder, promote=True)
    assert post_json(api, {"model": "reviews", "text": "ab"}).json()["value"] == 6

    build_pool().close()
    build_pool.cache_clear()
    Path(settings.MODEL_ROOT, second.artifact).write_text("damaged")
    body = post_json(api, {"model": "reviews", "text": "ab"}).json()
    assert (body["value"], body["model_version"]) == (2, 1)
