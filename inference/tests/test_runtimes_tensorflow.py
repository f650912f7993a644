"""SavedModel folders that Keras and TensorFlow wrote, answered as they answer."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidArtifact, InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import predict_row, run_batch, serve_artifact

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
NAMES = ("setosa", "versicolor", "virginica")
PARCELS = [
    {"weight": 2.5, "count": 3, "city": "Bern", "fragile": True},
    {"weight": 0.5, "count": 7, "city": "Chur", "fragile": False},
    {"weight": 9.0, "count": 0, "city": "Zürich", "fragile": True},
]


@pytest.fixture(scope="module")
def tf():
    import tensorflow

    return tensorflow


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(4)
    return keras


def refused(path, says, error=InvalidArtifact, **options):
    with pytest.raises(error, match=says), serve_artifact(path, **{"trusted": True, **options}):
        pass


@pytest.fixture(scope="module")
def exported(keras, tmp_path_factory):
    """Return a Keras model of images and the folder that it was exported to."""
    layers = keras.layers
    image = keras.Input((6, 8, 3), name="image")
    found = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(image))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(found))
    path = tmp_path_factory.mktemp("exported") / "flowers"
    model.export(path, verbose=False)
    return model, path


def test_an_exported_keras_model_answers_as_keras_does(exported):
    model, path = exported
    pictures = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (6, 8, 3), np.uint8)) for n in range(5)]
    with serve_artifact(path, trusted=True, labels=NAMES) as predictor:
        taken = predictor.spec.signature.input
        assert (taken.shape, taken.layout) == ((6, 8, 3), "channels-last")
        batch = np.stack([to_array(picture, taken) for picture in pictures])
        expected = model.predict(batch, verbose=0)
        found = [predictor.predict(picture, timeout=60) for picture in pictures]
        assert np.abs(run_batch(predictor, list(batch)) - expected).max() < 1e-5
    for answer, row in zip(found, expected, strict=True):
        assert list(answer.output["scores"].values()) == pytest.approx(row, abs=1e-5)


def test_a_folder_is_not_opened_without_trust(exported):
    refused(exported[1], r"flowers is of a kind \(saved_model\.pb\) that runs its author's code when loaded", trusted=False)


def test_an_exported_model_of_named_columns_answers_as_keras_does(keras, tmp_path):
    inputs = {name: keras.Input((1,), name=name) for name in ("width", "age", "mass")}
    packed = keras.layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, {"price": keras.layers.Dense(1)(packed), "kind": keras.layers.Dense(2)(packed)})
    model.export(tmp_path / "columns", verbose=False)
    row = {"width": 1.5, "age": -2.0, "mass": 0.25}
    expected = model({name: np.float32([[value]]) for name, value in row.items()})
    with serve_artifact(tmp_path / "columns", trusted=True) as predictor:
        assert predictor.spec.signature.input.names == ["age", "mass", "width"]
        raw = predict_row(predictor, row).output["raw"]
    assert raw == {name: pytest.approx(part.numpy()[0], abs=1e-5) for name, part in expected.items()}
    with serve_artifact(tmp_path / "columns", trusted=True, output={"name": "price", "kind": "value"}) as predictor:
        assert predict_row(predictor, row).value == pytest.approx(expected["price"].numpy().item(), abs=1e-5)


@pytest.fixture
def module(tf):
    """Return a module with a signature of four types of columns and three kinds of outputs."""

    class Parcels(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable([1.5, -2.0])

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, "weight"),
                tf.TensorSpec([None, 1], tf.int64, "count"),
                tf.TensorSpec([None], tf.string, "city"),
                tf.TensorSpec([None, 1], tf.bool, "fragile"),
            ]
        )
        def send(self, weight, count, city, fragile):
            total = weight[:, None] + tf.cast(count, tf.float32) + 10 * tf.cast(fragile, tf.float32)
            near = tf.strings.length(city, unit="UTF8_CHAR") < 5
            return {
                "price": total[:, 0] * self.factor[0],
                "scores": tf.nn.softmax(total * self.factor),
                "note": tf.strings.join([city, tf.where(near, "near", "far")], ": "),
            }

    return Parcels()


@pytest.fixture
def parcels(tf, module, tmp_path):
    tf.saved_model.save(module, tmp_path / "parcels", signatures=module.send)
    return tmp_path / "parcels"


def own(tf, module):
    """Return what TensorFlow itself answers to the parcels, by name."""
    shapes = {"weight": tf.float32, "count": tf.int64, "city": tf.string, "fragile": tf.bool}
    given = {name: tf.constant([row[name] for row in PARCELS], dtype) for name, dtype in shapes.items()}
    wide = {name: column[:, None] if name in ("count", "fragile") else column for name, column in given.items()}
    return {name: tensor.numpy() for name, tensor in module.send(**wide).items()}


def test_named_inputs_of_several_types_reach_a_signature(tf, module, parcels):
    expected = own(tf, module)
    with serve_artifact(parcels, trusted=True) as predictor:
        types = {one.name: one.type for one in predictor.spec.signature.input.features}
        assert types == {"city": "text", "count": "integer", "fragile": "boolean", "weight": "float"}
        found = [predict_row(predictor, row).output["raw"] for row in PARCELS]
        together = run_batch(predictor, PARCELS)
    assert [raw["note"] for raw in found] == ["Bern: near", "Chur: near", "Zürich: far"]
    assert [raw["price"] for raw in found] == pytest.approx(expected["price"], abs=1e-5)
    assert np.abs(np.array([raw["scores"] for raw in found]) - expected["scores"]).max() < 1e-5
    assert np.abs(together["scores"] - expected["scores"]).max() < 1e-5
    assert list(together["note"]) == [raw["note"] for raw in found]


def test_one_of_several_outputs_is_picked_by_name(tf, module, parcels):
    expected = own(tf, module)
    with serve_artifact(parcels, trusted=True, output={"name": "scores"}, labels=("slow", "fast")) as predictor:
        found = [predict_row(predictor, row).output["scores"] for row in PARCELS]
    assert [list(row.values()) for row in found] == [pytest.approx(row, abs=1e-5) for row in expected["scores"]]
    labels = ("Zürich: far", "Bern: near", "Chur: near")
    taken = {"features": [{"name": "city", "type": "category", "values": ["Bern", "Chur", "Zürich"]}]}
    note = {"kind": "label", "name": "note"}
    with serve_artifact(parcels, trusted=True, input=taken, output=note, labels=labels) as predictor:
        assert [predict_row(predictor, row).label for row in PARCELS] == [text.decode() for text in expected["note"]]
    refused(parcels, r"gives no output 'prize'\. Did you mean 'price'\?", InvalidSignature, output={"name": "prize"})


def save(tf, path, *, signatures=("serving_default",), shape=(None, 2), compute=lambda x: x + x):
    """Save a module whose signatures all do the same with numbers."""
    module = tf.Module()
    function = tf.function(lambda x: {"y": compute(x)}, input_signature=[tf.TensorSpec(shape, name="x")])
    tf.saved_model.save(module, path, signatures=dict.fromkeys(signatures, function))
    return path


def test_the_only_signature_is_called_whatever_its_name(tf, tmp_path):
    with serve_artifact(save(tf, tmp_path / "m", signatures=["double"]), trusted=True, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, {"x0": 1.5, "x1": -2}).output["raw"] == [3.0, -4.0]


@pytest.mark.parametrize(("signatures", "says"), [([], "it has none"), (["a", "b"], r"it has \['a', 'b'\]")])
def test_a_folder_without_a_signature_to_serve_is_named(tf, tmp_path, signatures, says):
    path = save(tf, tmp_path / "m", signatures=signatures)
    refused(path, rf"cannot load m: expected a signature serving_default, or only one; {says}")


@pytest.mark.parametrize(
    ("shape", "says"),
    [([], "It is a single value"), (None, "It is of any shape"), ([4, 2], "free batch size, or 1. x takes 4 rows")],
)
def test_an_input_that_takes_no_batch_is_refused(tf, tmp_path, shape, says):
    refused(save(tf, tmp_path / "m", shape=shape), says)


def test_a_batch_size_of_one_is_answered_row_by_row(tf, tmp_path):
    path = save(tf, tmp_path / "shares", shape=[1, 2], compute=lambda x: x / tf.reduce_sum(x))
    told = {"features": [{"name": "x0", "example": 1.0}, {"name": "x1"}]}
    with serve_artifact(path, trusted=True, input=told, output={"kind": "raw"}) as predictor:
        found = run_batch(predictor, [{"x0": 1.0, "x1": 3.0}, {"x0": 3.0, "x1": 1.0}])
    assert found.tolist() == [[0.25, 0.75], [0.75, 0.25]]


def test_what_is_no_model_is_named(exported, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(empty, r"Expected a model folder with saved_model\.pb or MLmodel\. Received: empty")
    (empty / "saved_model.pb").write_bytes(b"no protocol buffer")
    refused(empty, r"TensorFlow .* cannot load empty: ")
    without = tmp_path / "without"
    shutil.copytree(exported[1], without)
    shutil.rmtree(without / "variables")
    refused(without, r"TensorFlow .* cannot load without: ")
