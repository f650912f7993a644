"""Make predictions: what is stored, and what is not stored when something fails."""

import errno
import hashlib
import os
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from PIL import Image, ImageFile

from core.storage_errors import StorageFull
from inference.errors import ArtifactMismatch, InvalidImage, InvalidInput, Overloaded
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.services.stored_files import read_stored_file
from predictions.tests.factories import list_stored_files, make_prediction
from predictions.tests.runtimes import SwitchedRuntime
from registry.errors import UnknownModel
from registry.serving import lease_predictor

pytestmark = pytest.mark.django_db


def is_nothing_stored(settings):
    return not Input.objects.exists() and not Prediction.objects.exists() and list_stored_files(settings) == []


def test_the_input_its_file_and_the_prediction_are_stored(shades, user):
    data = make_noise_image(1)
    prediction = make_prediction(user, data, name="C:\\pictures\\my seven.png", client_reference="job-7")
    row = Prediction.objects.get()
    assert row == prediction
    assert (row.user, row.input.user, row.model_version, row.source) == (user, user, shades, "api")
    assert (row.status, row.client_reference, row.error_code) == ("succeeded", "job-7", "")
    assert row.label == max(row.output["scores"], key=row.output["scores"].get)
    assert row.confidence == max(row.output["scores"].values())
    assert row.input.sha256 == hashlib.sha256(data).hexdigest()
    assert (row.input.width, row.input.height, row.input.content_type, row.input.size) == (16, 16, "image/png", len(data))
    assert row.input.original_name == "my seven.png"
    assert row.input.image.name == f"inputs/{row.input.id.hex[-2:]}/{row.input.id}.png"
    assert read_stored_file(row.input) == data
    assert row.created_at <= row.started_at <= row.completed_at
    assert all(value >= 0 for value in (row.queue_ms, row.preprocess_ms, row.inference_ms))


@pytest.mark.parametrize(("shade", "label"), [(0, "black"), (127, "grey"), (255, "white")])
def test_the_label_is_the_output_of_the_model(shades, user, shade, label):
    assert make_prediction(user, make_image(shade)).label == label


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_the_stored_file_is_named_by_its_decoded_format(shades, user, format):
    prediction = make_prediction(user, make_image(9, format=format), name="evil.php")
    assert prediction.input.image.name.endswith({"JPEG": ".jpg", "WEBP": ".webp"}[format])


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty-file"), (b"text", "invalid-image"), (make_noise_image(1)[:80], "truncated-image")]
)
def test_an_invalid_image_is_rejected_and_nothing_is_stored(shades, user, settings, data, code):
    with pytest.raises(InvalidImage) as caught:
        make_prediction(user, data)
    assert caught.value.code == code
    assert is_nothing_stored(settings)


@pytest.mark.parametrize(
    "model", ["nope", "shades:9", "shades@staging", "shades:0", "Shades", "shades:1 ", "a b", "x" * 500]
)
def test_an_unknown_model_is_rejected_and_nothing_is_stored(shades, user, settings, model):
    with pytest.raises(UnknownModel):
        make_prediction(user, model=model)
    assert is_nothing_stored(settings)


@pytest.mark.parametrize("model", ["", "shades", "shades@production", "shades:1"])
def test_all_forms_of_a_reference_are_accepted(shades, user, model):
    assert make_prediction(user, model=model).model_version == shades


def test_features_for_an_image_model_are_rejected(shades, user, settings):
    with pytest.raises(
        InvalidInput, match=r"model shades takes an image, sent as a file part of multipart/form-data\. Received: features\."
    ):
        predict(user=user, source="api", features={"a": 1})
    with pytest.raises(InvalidInput, match=r"Received: no input\."):
        predict(user=user, source="api")
    assert is_nothing_stored(settings)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [({"nan": True}, "model-output-invalid"), ({"fixed": [0.5, 0.5]}, "model-output-invalid")],
    ids=["NaN", "width"],
)
def test_a_model_that_fails_to_warm_up_is_stored_as_failed(register_failing, user, behaviour, code):
    register_failing(**behaviour)
    prediction = make_prediction(user)
    assert (prediction.status, prediction.error_code) == ("failed", code)
    row = Prediction.objects.get()
    assert (row.output, row.label, row.confidence) == (None, "", None)
    assert row.completed_at
    assert read_stored_file(row.input) == make_image(255)


def test_a_model_that_raises_is_stored_as_failed(switched, user, monkeypatch):
    monkeypatch.setattr(SwitchedRuntime, "error", ZeroDivisionError("/a/secret/path"))
    row = make_prediction(user)
    assert (row.status, row.error_code) == ("failed", "model-failed")
    assert "ZeroDivisionError" in row.error_message
    assert "secret" not in row.error_message
    assert row.preprocess_ms is not None


def test_a_model_that_does_not_respond_is_stored_as_failed(switched, user, settings):
    settings.PREDICT_TIMEOUT = 0.05
    SwitchedRuntime.is_open.clear()
    assert make_prediction(user).error_code == "inference-timeout"


def test_a_changed_artifact_is_not_loaded_and_nothing_is_stored(shades, user, settings):
    Path(settings.MODEL_ROOT, shades.artifact).write_text("{}")
    with pytest.raises(ArtifactMismatch):
        make_prediction(user)
    assert is_nothing_stored(settings)


def test_a_full_queue_rejects_the_request_and_stores_nothing(switched, user, settings):
    image = Image.new("L", (8, 8))
    SwitchedRuntime.is_open.clear()
    with lease_predictor(switched) as predictor, ThreadPoolExecutor(3) as threads:
        running = threads.submit(predictor.predict, image, timeout=30)
        while not predictor.get_running_seconds():
            time.sleep(0.001)
        # One of these waits in the queue, which is full then, and the other one is rejected.
        others = [threads.submit(predictor.predict, image, timeout=30) for _ in range(2)]
        rejected = wait(others, timeout=30, return_when=FIRST_EXCEPTION).done
        assert [type(future.exception()) for future in rejected] == [Overloaded]
        with pytest.raises(Overloaded):
            make_prediction(user)
        SwitchedRuntime.is_open.set()
        assert running.result().label == "black"
    assert is_nothing_stored(settings)


def test_a_full_disk_is_reported_and_no_row_is_stored(shades, user, settings, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFull):
        make_prediction(user)
    assert is_nothing_stored(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("predictions.services.inputs.hash_image", lambda data, features: None),
        ("predictions.models.Prediction.completed_at", property(lambda row: None, lambda row, value: None)),
    ],
    ids=["input", "prediction"],
)
def test_a_failed_insert_leaves_neither_rows_nor_a_file(shades, user, settings, monkeypatch, name, value):
    monkeypatch.setattr(name, value)
    with pytest.raises(DatabaseError):
        make_prediction(user)
    assert is_nothing_stored(settings)


@pytest.mark.django_db(transaction=True)
def test_a_failed_commit_keeps_the_file(shades, user, settings, monkeypatch):
    """The database may have committed before the connection was lost. A row must never be without its file."""
    if connection.vendor == "postgresql":
        pytest.skip("one statement without COMMIT: see test_a_lost_connection_keeps_the_file")

    def fail():
        raise DatabaseError("connection lost")

    monkeypatch.setattr(connection, "commit", fail)
    with pytest.raises(DatabaseError):
        make_prediction(user)
    assert len(list_stored_files(settings)) == 1


def test_a_prediction_can_have_no_user(shades):
    assert make_prediction(None).user is None


def test_the_image_is_decoded_once(shades, user, monkeypatch):
    opened, loads = [], []
    real_open, real_load = Image.open, ImageFile.ImageFile.load
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: (opened.append(1), real_open(*args, **kwargs))[1])

    def load(image):
        if image.tile:
            loads.append(1)
        return real_load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    make_prediction(user, make_noise_image(3))
    assert (len(opened), len(loads)) == (1, 1)
