"""Register Keras files."""

import os

import pytest
from django.core.files.base import ContentFile

from inference.errors import InvalidArtifact, InvalidSignature
from predictions.services import predict
from registry.models import ModelVersion
from registry.services import register_model
from registry.tests.factories import DIGITS

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("tensorflow")]


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]))
    return path


def test_the_signature_is_inferred_from_a_keras_file(labels):
    version = register_model(path=DIGITS / "digits.keras", name="numbers", labels=labels, scale="unit", promote=True)
    image_input = version.parsed_signature.input
    assert (image_input.height, image_input.width, image_input.channels, image_input.scale) == (28, 28, 1, "unit")
    assert (version.runtime, version.framework) == ("keras", "keras")
    assert version.framework_version[0].isdigit()
    seven = ContentFile((DIGITS / "samples" / "seven.png").read_bytes(), name="seven.png")
    assert predict(user=None, source="cli", image=seven, model="numbers").label == "seven"


def test_the_number_of_labels_must_match_the_outputs(labels):
    labels.write_text("only\ntwo")
    with pytest.raises(InvalidSignature, match=r"Expected 10 labels, one for each output\. Received: 2"):
        register_model(path=DIGITS / "digits.keras", labels=labels)
    with pytest.raises(InvalidSignature, match="one for each of 10 outputs"):
        register_model(path=DIGITS / "digits.keras")
    assert not ModelVersion.objects.exists()


def test_a_manifest_that_contradicts_the_artifact_is_rejected(tmp_path):
    (tmp_path / "digits.keras").write_bytes((DIGITS / "digits.keras").read_bytes())
    text = (DIGITS / "model.toml").read_text().replace("= 28", "= 32")
    (tmp_path / "model.toml").write_text(text)
    with pytest.raises(InvalidSignature, match="but the artifact takes"):
        register_model(path=tmp_path)


@pytest.mark.parametrize("name", ["model.h5", "model.pkl", "model.joblib"])
def test_a_format_that_runs_code_requires_trust(tmp_path, labels, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidArtifact, match="register it with --trusted"):
        register_model(path=tmp_path / name, labels=labels)


def test_an_unsupported_format_is_rejected(tmp_path, labels):
    (tmp_path / "model.pth").write_bytes(b"x")
    with pytest.raises(InvalidArtifact, match=r"model\.pth is not supported\. .*torch\.onnx\.export"):
        register_model(path=tmp_path / "model.pth", labels=labels)
