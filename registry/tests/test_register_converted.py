"""Keras networks are converted to ONNX when they are registered."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.management import call_command

from predictions.services import predict
from registry.models import ModelVersion
from registry.presentation import describe_version
from registry.services import register_model
from registry.services.promote import move_alias
from registry.tests.factories import DIGITS, get_artifact_path, set_runtime

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("tensorflow"), pytest.mark.once]
SERVE_SCRIPT = """
import json, sys
from pathlib import Path
from inference.pool import PredictorPool
from PIL import Image
from inference.signature import Signature
from inference.types import ConvertedFile, ModelSpec
fields, image = json.loads(sys.argv[1]), sys.argv[2]
fields["signature"] = Signature.from_dict(fields["signature"])
fields["path"] = Path(fields["path"])
runtime, path, sha256 = fields["converted"]
fields["converted"] = ConvertedFile(runtime, Path(path), sha256)
pool = PredictorPool()
with pool.lease(ModelSpec(**fields)) as predictor:
    label = predictor.predict(Image.open(image), timeout=60).label
pool.close()
print(label, *[name for name in ("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime") if name in sys.modules])
"""

ENDLESS_RUNTIME = """
from time import sleep
from inference.base import BaseRuntime

class Endless(BaseRuntime):
    def load(self):
        return lambda table: 7 * table.columns["length"]

    def convert(self):
        ENDING
"""


def get_converted_path(version):
    return Path(settings.MODEL_ROOT, version.conversion["path"])


def predict_seven():
    image = ContentFile((DIGITS / "samples" / "seven.png").read_bytes(), name="seven.png")
    return predict(user=None, source="cli", image=image, model="digits")


@pytest.fixture
def digits():
    return register_model(path=DIGITS, promote=True)


def test_the_converted_network_is_stored_next_to_the_artifact(digits):
    path = get_converted_path(digits)
    assert path.parent == get_artifact_path(digits).parent
    assert digits.conversion["runtime"] == "converted"
    assert digits.conversion["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert digits.conversion["size"] == path.stat().st_size
    assert 0 <= digits.conversion["difference"] <= 1e-5
    assert digits.runtime == "keras"
    assert {"onnxruntime", "tensorflow"} <= digits.libraries.keys()
    [row] = [row for row in describe_version(digits) if row.name == "Runs with"]
    assert row.value.startswith("ONNX Runtime, converted from Keras; largest difference ")


def test_a_process_that_serves_the_converted_network_does_not_import_tensorflow(digits):
    fields = {name: getattr(digits, name) for name in ("number", "runtime", "sha256", "signature", "labels", "trusted")}
    fields |= {"name": "digits", "path": str(get_artifact_path(digits))}
    fields["converted"] = ["converted", str(get_converted_path(digits)), digits.conversion["sha256"]]
    command = [sys.executable, "-c", SERVE_SCRIPT, json.dumps(fields), str(DIGITS / "samples" / "seven.png")]
    process = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert process.stdout.split() == ["7", "onnxruntime"], process.stderr


def test_an_equal_converted_version_is_not_registered_again(digits):
    assert register_model(path=DIGITS) == digits
    plain = register_model(path=DIGITS, convert=False)
    assert (plain.number, plain.conversion) == (2, {})
    assert register_model(path=DIGITS, convert=False) == plain
    assert register_model(path=DIGITS) == digits


def test_tensorflow_runs_if_the_converted_network_is_damaged(digits, caplog):
    get_converted_path(digits).write_bytes(b"x")
    assert predict_seven().label == "7"
    assert "converted network cannot be used" in caplog.text
    stderr = StringIO()
    call_command("check_models", stdout=StringIO(), stderr=stderr)
    assert "digits:1: the converted network is missing or damaged" in stderr.getvalue()
    again = register_model(path=DIGITS, promote=True)
    assert again.number == 2
    assert get_converted_path(again).is_file()


def test_a_version_of_an_earlier_release_runs_with_tensorflow(digits):
    fields = {field.attname: getattr(digits, field.attname) for field in ModelVersion._meta.fields}
    fields |= {"id": None, "number": 2, "conversion": {}}
    del fields["id"]
    earlier = ModelVersion.objects.create(**fields)
    move_alias(version=earlier)
    prediction = predict_seven()
    assert (prediction.model_version, prediction.label) == (earlier, "7")


@pytest.mark.parametrize(("ending", "notice"), [("sleep(30)", "took more than 0.1 seconds"), ("1 / 0", "")])
def test_a_conversion_that_fails_or_takes_too_long_is_abandoned(write_rows, tmp_path, monkeypatch, ending, notice):
    (tmp_path / "endless_runtime.py").write_text(ENDLESS_RUNTIME.replace("ENDING", ending))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "endless_runtime", raising=False)
    monkeypatch.setattr("registry.services.conversion.CONVERSION_SECONDS", 0.1)
    folder = write_rows()
    set_runtime(folder, "endless_runtime.Endless")
    version = register_model(path=folder, promote=True, trusted=True)
    assert version.conversion == {}
    assert len(version.notices) == bool(notice)
    assert notice in "".join(version.notices)
    assert register_model(path=folder, trusted=True) == version


def test_a_network_that_cannot_be_converted_runs_with_tensorflow(tmp_path):
    import keras

    layers = [keras.layers.Embedding(5, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    keras.Sequential([keras.Input((2,), dtype="int32"), *layers]).save(tmp_path / "tokens.keras")
    (tmp_path / "model.toml").write_text(
        'name = "tokens"\nartifact = "tokens.keras"\n[output]\nkind = "value"\n'
        + "".join(f'[[input.features]]\nname = "{name}"\ntype = "integer"\nmin = 0\nmax = 4\nexample = 1\n' for name in "ab")
    )
    version = register_model(path=tmp_path, promote=True)
    assert version.conversion == {}
    prediction = predict(user=None, source="cli", features={"a": 1, "b": 4}, model="tokens")
    assert prediction.status == "succeeded"
