"""Registration of models of tables, of folders, of trusted ones, and of those that bring examples."""

import json
from pathlib import Path

import pytest

from inference.errors import InferenceError, InvalidOutput, ModelUnavailable
from inference.tests.factories import make_image
from predictions.presentation import format_output
from predictions.services import predict, predict_example
from predictions.services.examples import get_example_row, has_example
from registry.models import ModelVersion, RegisteredModel
from registry.services import register_model
from registry.serving import get_spec, lease_predictor

pytestmark = pytest.mark.django_db

FOREIGN = """
from inference.base import BaseRuntime

class Doubling(BaseRuntime):
    def load(self):
        return lambda table: 2 * table.columns["length"]
"""


def test_the_signature_and_the_task_are_kept(flowers):
    assert flowers.model.task == RegisteredModel.Task.TABULAR_REGRESSION
    assert flowers.labels == []
    features = flowers.signature["input"]["features"]
    assert features[0] == {"name": "length", "type": "float", "unit": "cm", "min": 0, "max": 10, "example": 4.5}
    assert features[3] == {"name": "wild", "type": "boolean", "default": False}
    assert flowers.signature["output"] == {"kind": "value", "unit": "cm²"}
    assert get_spec(flowers).signature.to_dict() == flowers.signature


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (
            "features = { length = 4.5, petals = 5 }\nvalue = 9.4\n",
            "expects value 9.4 (tolerance 0.001). The model answers 9.5",
        ),
        ("features = { length = 45, petals = 5 }\n", "no input of this model: length: Expected a number from 0 to 10 cm"),
        ("features = { length = 4.5 }\n", "petals: Missing"),
        ('image = "x.png"\n', "Expected features in each of [[examples]]"),
        ("value = 1\n", "either features or image"),
        ('features = { length = 4.5, petals = 5 }\nanswer = "x"\n', "Received: ['answer']"),
        ("features = 5\n", "Expected features by name"),
    ],
)
def test_a_wrong_example_stops_the_registration(write_rows, settings, example, says):
    with pytest.raises(InferenceError) as caught:
        register_model(path=write_rows(more="[[examples]]\n" + example))
    assert says in caught.value.message
    assert not RegisteredModel.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


def test_a_right_example_is_kept_and_can_be_asked(write_rows, user):
    more = "[[examples]]\nfeatures = { length = 2, petals = 3 }\nvalue = 5.0005\n"
    version = register_model(path=write_rows(more=more), promote=True)
    assert version.examples == [{"features": {"length": 2, "petals": 3}, "value": 5.0005, "tolerance": 0.001}]
    prediction = predict_example(version=version, user=user)
    assert (prediction.value, prediction.user, prediction.source) == (5.0, user, "web")


def test_without_an_example_the_features_own_are_asked(flowers, user):
    assert get_example_row(flowers) == {"length": 4.5, "petals": 5, "colour": "white", "wild": False}
    assert predict_example(version=flowers, user=user).value == 9.5


def test_an_image_example_is_checked_copied_and_asked(write_dummy, user, settings):
    folder = write_dummy()
    text = (folder / "model.toml").read_text()
    (folder / "light.png").write_bytes(make_image(255))
    (folder / "model.toml").write_text(text + '[[examples]]\nimage = "light.png"\nlabel = "black"\n')
    with pytest.raises(InvalidOutput, match=r"'light\.png' expects label 'black'.* answers 'white'"):
        register_model(path=folder)
    (folder / "model.toml").write_text(text + '[[examples]]\nimage = "light.png"\nscores = { white = 1.0 }\n')
    version = register_model(path=folder, promote=True)
    stored = Path(settings.MODEL_ROOT, version.examples[0]["image"])
    assert stored.read_bytes() == make_image(255)
    (folder / "light.png").unlink()
    assert predict_example(version=version, user=user).label == "white"


@pytest.mark.parametrize("name", ["../light.png", "/etc/passwd", "missing.png", "."])
def test_an_image_example_stays_inside_its_folder(write_dummy, name):
    folder = write_dummy()
    (folder.parent / "light.png").write_bytes(make_image(255))
    with (folder / "model.toml").open("a") as file:
        file.write(f'[[examples]]\nimage = "{name}"\n')
    with pytest.raises(InferenceError, match="the image of an example to be a file or folder inside"):
        register_model(path=folder)


def test_a_model_without_examples_has_none(shades, user):
    assert not has_example(shades)
    with pytest.raises(LookupError):
        predict_example(version=shades, user=user)


def test_all_versions_of_a_model_have_one_task(flowers, write_dummy):
    with pytest.raises(InferenceError, match=r"flowers is a model for tabular-regression.* for image-classification"):
        register_model(path=write_dummy(name="flowers"))
    assert ModelVersion.objects.count() == 1


def test_a_foreign_runtime_needs_trust_and_is_served_by_its_dotted_path(write_rows, tmp_path, monkeypatch, user):
    (tmp_path / "doubling.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(tmp_path)
    folder = write_rows()
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text('runtime = "doubling.Doubling"\n' + text)
    with pytest.raises(InferenceError, match="to import it runs its code"):
        register_model(path=folder)
    version = register_model(path=folder, trusted=True, promote=True)
    assert (version.runtime, version.trusted) == ("doubling.Doubling", True)
    assert predict(user=user, source="api", features={"length": 4, "petals": 1}).value == 8


def test_a_version_that_was_not_trusted_does_not_run_code_later(write_rows, tmp_path, monkeypatch, user):
    """The flag is the version's: loading asks it each time."""
    (tmp_path / "doubling.py").write_text(FOREIGN)
    monkeypatch.syspath_prepend(tmp_path)
    good = register_model(path=write_rows(), promote=True)
    kept = {"model": good.model, "artifact": good.artifact, "sha256": good.sha256, "size": good.size}
    ModelVersion.objects.create(**kept, number=2, runtime="doubling.Doubling", signature=good.signature)
    prediction = predict(user=user, source="api", features={"length": 4, "petals": 1}, model="flowers:2")
    assert prediction.error_code == "model-unavailable"
    assert prediction.error_message == "flowers:2 cannot be loaded."
    with pytest.raises(ModelUnavailable) as caught, lease_predictor(ModelVersion.objects.get(number=2)):
        pass
    assert "to import it runs its code" in str(caught.value.__cause__)


FOLDER = """
from inference.base import BaseRuntime

class Folder(BaseRuntime):
    def load(self):
        factor = float((self.path / "weights" / "factor.txt").read_text())
        return lambda table: factor * table.columns["length"]
"""


def test_a_folder_is_copied_pinned_and_served(write_rows, tmp_path, monkeypatch, settings, user):
    (tmp_path / "folders.py").write_text(FOLDER)
    monkeypatch.syspath_prepend(tmp_path)
    source = write_rows()
    (source / "saved" / "weights").mkdir(parents=True)
    (source / "saved" / "weights" / "factor.txt").write_text("3")
    (source / "saved" / "readme.txt").write_text("x")
    text = (source / "model.toml").read_text().replace('artifact = "flowers.dummy.json"', 'artifact = "saved"')
    (source / "model.toml").write_text('runtime = "folders.Folder"\n' + text)
    first = register_model(path=source, trusted=True, promote=True)
    again = register_model(path=source, trusted=True)
    assert (first.artifact, first.size) == (again.artifact, 2)
    assert predict(user=user, source="api", features={"length": 4, "petals": 1}).value == 12
    stored = Path(settings.MODEL_ROOT, first.artifact)
    assert sorted(path.name for path in stored.rglob("*")) == ["factor.txt", "readme.txt", "weights"]
    (stored / "more.txt").write_text("a file more")
    changed = register_model(path=source, trusted=True)
    assert changed.artifact != first.artifact
    assert changed.sha256 == first.sha256


@pytest.mark.parametrize("odd", ["link", "empty", "name"])
def test_a_folder_of_anything_but_plain_files_is_refused(write_rows, odd):
    source = write_rows()
    saved = source / "saved"
    saved.mkdir()
    if odd == "link":
        (saved / "link").symlink_to("/etc/passwd")
    if odd == "name":
        (saved / "a\nb").write_text("x")
    text = (source / "model.toml").read_text().replace('artifact = "flowers.dummy.json"', 'artifact = "saved"')
    (source / "model.toml").write_text('runtime = "folders.Folder"\n' + text)
    with pytest.raises(InferenceError, match="model folder"):
        register_model(path=source, trusted=True)


def test_a_raw_output_is_kept_without_a_meaning(write_rows, user):
    source = write_rows()
    text = (source / "model.toml").read_text().replace('kind = "value"\nunit = "cm²"', 'kind = "raw"')
    (source / "model.toml").write_text(text)
    version = register_model(path=source, promote=True)
    assert version.model.task == RegisteredModel.Task.OTHER
    prediction = predict(user=user, source="api", features={"length": 4.5, "petals": 5})
    assert prediction.output == {"raw": [9.5]}
    assert (prediction.label, prediction.confidence, prediction.value) == ("", None, None)
    assert format_output(prediction) == "raw output"


def test_an_output_that_is_no_value_is_kept_as_failed(write_rows, user, settings):
    version = register_model(path=write_rows(), promote=True)
    bad = Path(settings.MODEL_ROOT, "bad.dummy.json")
    bad.write_text(json.dumps({"fixed": [1.0, 2.0]}))
    from inference.artifacts import hash_artifact

    kept = {"model": version.model, "runtime": "dummy", "signature": version.signature}
    ModelVersion.objects.create(
        **kept, number=2, artifact="bad.dummy.json", sha256=hash_artifact(bad), size=bad.stat().st_size
    )
    prediction = predict(user=user, source="api", features={"length": 4.5, "petals": 5}, model="flowers:2")
    assert (prediction.status, prediction.error_code) == ("failed", "model-output-invalid")
    assert "one number, the value. Received: 2" in prediction.error_message
    assert prediction.input.features["petals"] == 5
