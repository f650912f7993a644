import hashlib
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError

from core.storage import StorageFull
from inference.errors import InvalidImage, InvalidInput, Overloaded
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.services.stored_files import read_stored_file
from predictions.tests.factories import list_stored_files, make_prediction
from registry.errors import UnknownModel
from registry.serving import lease_predictor

pytestmark = pytest.mark.django_db


def predictor_of(version):
    with lease_predictor(version) as predictor:
        return predictor


def nothing_is_stored(settings):
    return not Input.objects.exists() and not Prediction.objects.exists() and list_stored_files(settings) == []


def test_keeps_input_file_and_answer(shades, user):
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
    assert row.input.image.name == f"inputs/{row.input.id.hex[-2:]}/{row.input.id.hex[-4:-2]}/{row.input.id}.png"
    assert read_stored_file(row.input) == data
    assert row.created_at <= row.started_at <= row.completed_at
    assert all(value >= 0 for value in (row.queue_ms, row.preprocess_ms, row.inference_ms))


@pytest.mark.parametrize(("shade", "label"), [(0, "black"), (127, "grey"), (255, "white")])
def test_answers_what_the_model_says(shades, user, shade, label):
    assert make_prediction(user, make_image(shade)).label == label


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_the_stored_name_follows_the_decoder_not_the_sender(shades, user, format):
    prediction = make_prediction(user, make_image(9, format=format), name="evil.php")
    assert prediction.input.image.name.endswith({"JPEG": ".jpg", "WEBP": ".webp"}[format])


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty-file"), (b"text", "invalid-image"), (make_noise_image(1)[:80], "truncated-image")]
)
def test_a_refused_image_stores_nothing(shades, user, settings, data, code):
    with pytest.raises(InvalidImage) as caught:
        make_prediction(user, data)
    assert caught.value.code == code
    assert nothing_is_stored(settings)


@pytest.mark.parametrize(
    "model", ["nope", "shades:9", "shades@staging", "shades:0", "Shades", "shades:1 ", "a b", "x" * 500]
)
def test_an_unknown_model_stores_nothing(shades, user, settings, model):
    with pytest.raises(UnknownModel):
        make_prediction(user, model=model)
    assert nothing_is_stored(settings)


@pytest.mark.parametrize("model", ["", "shades", "shades@production", "shades:1"])
def test_a_model_is_named_in_four_ways(shades, user, model):
    assert make_prediction(user, model=model).model_version == shades


def test_features_for_an_image_model_are_refused(shades, user, settings):
    with pytest.raises(InvalidInput, match="Expected image, as a file part of multipart/form-data, for the model shades"):
        predict(user=user, source="api", features={"a": 1})
    with pytest.raises(InvalidInput, match="Received: neither"):
        predict(user=user, source="api")
    assert nothing_is_stored(settings)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [({"nan": True}, "model-output-invalid"), ({"fixed": [0.5, 0.5]}, "model-output-invalid")],
    ids=["NaN", "width"],
)
def test_a_model_that_cannot_even_warm_up_is_kept_as_failed(register_failing, user, behaviour, code):
    register_failing(**behaviour)
    prediction = make_prediction(user)
    assert (prediction.status, prediction.error_code) == ("failed", code)
    row = Prediction.objects.get()
    assert (row.output, row.label, row.confidence) == (None, "", None)
    assert row.completed_at
    assert read_stored_file(row.input) == make_image(255)


def test_a_model_that_raises_is_kept_as_failed(shades, user, monkeypatch):
    def broken(batch):
        raise ZeroDivisionError("/a/secret/path")

    monkeypatch.setattr(predictor_of(shades), "_run", broken)
    row = make_prediction(user)
    assert (row.status, row.error_code) == ("failed", "model-failed")
    assert "ZeroDivisionError" in row.error_message
    assert "secret" not in row.error_message
    assert row.preprocess_ms is not None


def test_a_model_that_hangs_is_kept_as_failed(shades, user, monkeypatch, settings):
    settings.PREDICT_TIMEOUT = 0.05
    let_go = threading.Event()
    monkeypatch.setattr(predictor_of(shades), "_run", lambda batch: let_go.wait(30))
    assert make_prediction(user).error_code == "inference-timeout"
    let_go.set()


def test_a_changed_artifact_is_kept_as_failed_and_never_loaded(shades, user, settings):
    Path(settings.MODEL_ROOT, shades.artifact).write_text("{}")
    assert make_prediction(user).error_code == "artifact-mismatch"


def test_a_full_queue_refuses_and_stores_nothing(shades, user, settings, monkeypatch):
    predictor = predictor_of(shades)

    def full(item):
        raise Overloaded("busy")

    monkeypatch.setattr(predictor._batcher, "submit", full)
    with pytest.raises(Overloaded):
        make_prediction(user)
    assert nothing_is_stored(settings)


def test_a_full_disk_stores_no_row(shades, user, settings, monkeypatch):
    def full(*arguments, **options):
        raise StorageFull(28, "full")

    monkeypatch.setattr("core.storage.DurableFileSystemStorage._save", full)
    with pytest.raises(StorageFull):
        make_prediction(user)
    assert not Input.objects.exists()


@pytest.mark.parametrize("model", [Input, Prediction])
def test_a_failing_insert_leaves_neither_row_nor_file(shades, user, settings, monkeypatch, model):
    save = model.save

    def fail(row, **options):
        save(row, **options)
        raise DatabaseError("no")

    monkeypatch.setattr(model, "save", fail)
    with pytest.raises(DatabaseError):
        make_prediction(user)
    assert nothing_is_stored(settings)


@pytest.mark.django_db(transaction=True)
def test_a_failing_commit_keeps_the_file(shades, user, settings, monkeypatch):
    """The database may have committed before the connection broke; a row without its file would be a loss."""
    from django.db import connection

    def broken():
        raise DatabaseError("connection lost")

    monkeypatch.setattr(connection, "_commit", broken)
    with pytest.raises(DatabaseError):
        make_prediction(user)
    assert len(list_stored_files(settings)) == 1


def test_a_prediction_of_nobody_is_possible(shades):
    assert make_prediction(None).user is None


def test_the_image_is_decoded_once(shades, user, monkeypatch):
    from PIL import Image, ImageFile

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
