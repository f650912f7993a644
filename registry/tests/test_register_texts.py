"""Registration of models that take text, or an image with features."""

import json

import pytest

from inference.errors import InvalidOutput, InvalidSignature
from inference.tests.factories import make_image
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def write_model(tmp_path):
    """Return a function that writes a folder with a dummy model whose value is the sum of its input."""

    def write(toml):
        (tmp_path / "model.dummy.json").write_text(json.dumps({"sum": 1}))
        (tmp_path / "white.png").write_bytes(make_image(255, size=(8, 8)))
        (tmp_path / "model.toml").write_text(f'name = "kind"\nartifact = "model.dummy.json"\n{toml}')
        return tmp_path

    return write


def test_the_signature_and_the_task_are_stored(reviews, parcels):
    assert (reviews.model.task, parcels.model.task) == ("text-regression", "image-regression")
    assert reviews.signature["input"] == {
        "kind": "text",
        "name": "text",
        "title": "Review",
        "description": "As written by the customer.",
        "max_length": 50,
        "example": "It works.",
    }
    signature = parcels.signature["input"]
    assert (signature["kind"], signature["height"], len(signature["features"])) == ("image-tabular", 8, 2)


TEXT = '[input]\nkind = "text"\n'
PAIR = (
    '[input]\nkind = "image-tabular"\nheight = 8\nwidth = 8\nchannels = 1\nscale = "unit"\n'
    'features = [{ name = "weight" }]\n'
)


@pytest.mark.parametrize(
    ("toml", "error", "message"),
    [
        (TEXT + '[[examples]]\ntext = "abc"\nvalue = 4', InvalidOutput, "the example 'abc'. Expected value 4"),
        (TEXT + "[[examples]]\nfeatures = { text = 3 }", InvalidSignature, "Expected text in each"),
        (TEXT + "[[examples]]\ntext = 3", InvalidSignature, "a string in text"),
        (TEXT + '[[examples]]\ntext = "a"\nimage = "white.png"', InvalidSignature, "Expected features, image, text, or"),
        (TEXT + 'max_length = 2\n[[examples]]\ntext = "abc"', InvalidSignature, "at most 2 characters"),
        (PAIR + '[[examples]]\nimage = "white.png"', InvalidSignature, "Expected image and features in each"),
        (PAIR + '[[examples]]\nimage = "white.png"\nfeatures = { w = 1 }', InvalidSignature, "There is no feature 'w'"),
        (PAIR + '[[examples]]\nimage = "white.png"\nfeatures = { weight = 1 }\nvalue = 64', InvalidOutput, "Received: 65"),
    ],
)
def test_examples_must_match_the_input_and_the_prediction(write_model, toml, error, message):
    with pytest.raises(error) as caught:
        register_model(path=write_model(toml))
    assert message in str(caught.value)
    assert not ModelVersion.objects.exists()


def test_an_empty_text_is_an_example(write_model):
    version = register_model(path=write_model(TEXT + '[[examples]]\ntext = ""\nvalue = 0'))
    assert version.examples[0]["text"] == ""


def test_the_image_of_an_example_is_copied(write_model):
    version = register_model(
        path=write_model(PAIR + '[[examples]]\nimage = "white.png"\nfeatures = { weight = 1 }\nvalue = 65')
    )
    assert version.examples[0]["image"].startswith("kind/examples/")
    assert version.examples[0]["features"] == {"weight": 1}


@pytest.mark.once
@pytest.mark.xdist_group("tensorflow")
def test_a_string_that_is_no_text_is_rejected_with_the_next_step(tmp_path):
    tf = pytest.importorskip("tensorflow")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(data):
        images = tf.map_fn(lambda part: tf.io.decode_png(part, 1), data, fn_output_signature=tf.uint8)
        return tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2])

    module = tf.Module()
    module.serve = serve
    tf.saved_model.save(module, str(tmp_path / "bytes"), signatures=serve)
    (tmp_path / "labels.txt").write_text("no\nyes\n")
    with pytest.raises(InvalidSignature, match='If the string is an encoded image, set kind = "image"'):
        register_model(path=tmp_path / "bytes", labels=tmp_path / "labels.txt", trusted=True)


def test_a_tabular_model_whose_new_version_takes_text_names_the_step(write_model):
    tabular = '[input]\nkind = "tabular"\nfeatures = [{ name = "text", type = "text" }]\n'
    register_model(path=write_model(tabular), promote=True)
    with pytest.raises(InvalidSignature, match="All versions of kind must be models for tabular-regression") as caught:
        register_model(path=write_model(TEXT))
    assert 'set kind = "tabular" in [input] of model.toml' in str(caught.value)
    assert register_model(path=write_model(tabular + "# the same columns")).number == 1
