"""Registration checks the examples of a model, and stores them."""

from pathlib import Path

import pytest

from inference.errors import InferenceError, InvalidOutput
from inference.tests.factories import make_image
from predictions.services import predict_example
from predictions.services.examples import has_example
from registry.models import RegisteredModel
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (
            "features = { length = 4.5, petals = 5 }\nvalue = 9.4\n",
            "Expected value 9.4 (tolerance 0.001). Received: 9.5",
        ),
        (
            "features = { length = 45, petals = 5 }\n",
            "An [[examples]] table is not a valid input of this model: length: Expected a number from 0 to 10 cm",
        ),
        ("features = { length = 4.5 }\n", "petals: Missing"),
        ('image = "x.png"\n', "Expected features in each [[examples]] table"),
        ("value = 1\n", "Expected features, image, text, or image and features"),
        ('features = { length = 4.5, petals = 5 }\nanswer = "x"\n', "Received: ['answer']"),
        ("features = 5\n", "Expected features by name"),
    ],
)
def test_an_invalid_example_prevents_registration(write_rows, settings, example, message):
    with pytest.raises(InferenceError) as caught:
        register_model(path=write_rows(more="[[examples]]\n" + example))
    assert message in caught.value.message
    assert not RegisteredModel.objects.exists()
    assert not Path(settings.MODEL_ROOT).exists()


def test_an_example_is_stored_and_can_be_predicted(write_rows, user):
    more = "[[examples]]\nfeatures = { length = 2, petals = 3 }\nvalue = 5.0005\n"
    version = register_model(path=write_rows(more=more), promote=True)
    assert version.examples == [{"features": {"length": 2, "petals": 3}, "value": 5.0005, "tolerance": 0.001}]
    prediction = predict_example(version=version, user=user)
    assert (prediction.value, prediction.user, prediction.source) == (5.0, user, "web")


def test_without_examples_the_example_values_of_the_features_are_predicted(flowers, user):
    prediction = predict_example(version=flowers, user=user)
    assert prediction.input.features == {"length": 4.5, "petals": 5, "colour": "white", "wild": False}
    assert prediction.value == 9.5


def test_the_image_of_an_example_is_checked_and_copied(write_dummy, user, settings):
    folder = write_dummy()
    manifest = folder / "model.toml"
    text = manifest.read_text()
    (folder / "light.png").write_bytes(make_image(255))
    manifest.write_text(text + '[[examples]]\nimage = "light.png"\nlabel = "black"\n')
    with pytest.raises(InvalidOutput, match=r"'light\.png'\. Expected label 'black'\. Received: 'white'"):
        register_model(path=folder)
    manifest.write_text(text + '[[examples]]\nimage = "light.png"\nscores = { white = 1.0 }\n')
    version = register_model(path=folder, promote=True)
    assert Path(settings.MODEL_ROOT, version.examples[0]["image"]).read_bytes() == make_image(255)
    (folder / "light.png").unlink()
    assert predict_example(version=version, user=user).label == "white"


def test_an_example_expects_a_label_of_the_model(write_dummy):
    folder = write_dummy()
    (folder / "light.png").write_bytes(make_image(255))
    with (folder / "model.toml").open("a") as file:
        file.write('[[examples]]\nimage = "light.png"\nlabel = "pink"\n')
    message = r"Expected label in \[\[examples\]\] to be one of the model's labels: black, grey, white\. Received: 'pink'"
    with pytest.raises(InferenceError, match=message):
        register_model(path=folder)


@pytest.mark.parametrize("name", ["../light.png", "/etc/passwd", "missing.png", "."])
def test_the_image_of_an_example_must_be_inside_the_folder(write_dummy, name):
    folder = write_dummy()
    (folder.parent / "light.png").write_bytes(make_image(255))
    with (folder / "model.toml").open("a") as file:
        file.write(f'[[examples]]\nimage = "{name}"\n')
    with pytest.raises(InferenceError, match="the image of an example to be a file or folder inside"):
        register_model(path=folder)


def test_a_model_without_examples_has_none_to_predict(shades, user):
    assert not has_example(shades)
    with pytest.raises(LookupError):
        predict_example(version=shades, user=user)
