"""SavedModel folders written by Keras and TensorFlow, compared with the outputs of both libraries."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import assert_not_served, get_scores, predict_row, run_batch, serve_artifact

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
LABELS = ("setosa", "versicolor", "virginica")
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


@pytest.fixture(scope="module")
def exported(keras, tmp_path_factory):
    """Return a Keras model of images and the folder of its export."""
    layers = keras.layers
    image = keras.Input((6, 8, 3), name="image")
    features = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(image))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(features))
    path = tmp_path_factory.mktemp("exported") / "flowers"
    model.export(path, verbose=False)
    return model, path


def test_exported_keras_model_has_the_outputs_of_keras(exported):
    model, path = exported
    images = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (6, 8, 3), np.uint8)) for n in range(5)]
    with serve_artifact(path, trusted=True, labels=LABELS, input={"scale": "unit"}) as predictor:
        image_input = predictor.spec.signature.input
        assert (image_input.shape, image_input.layout) == ((6, 8, 3), "channels-last")
        batch = np.stack([to_array(image, image_input) for image in images])
        expected = model.predict(batch, verbose=0)
        results = [predictor.predict(image, timeout=60) for image in images]
        assert np.abs(run_batch(predictor, list(batch)) - expected).max() < 1e-5
    for result, row in zip(results, expected, strict=True):
        assert get_scores(result) == pytest.approx(row, abs=1e-5)


def test_folder_requires_trust(exported):
    assert_not_served(exported[1], r"flowers has a format \(saved_model\.pb\) that can run its author's code", trusted=False)


def test_exported_model_with_named_columns_has_the_outputs_of_keras(keras, tmp_path):
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
    """Return a module whose signature has columns of four types and three outputs."""

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


def run_module(tf, module):
    """Return the outputs of TensorFlow itself for `PARCELS`, by name."""
    dtypes = {"weight": tf.float32, "count": tf.int64, "city": tf.string, "fragile": tf.bool}
    columns = {name: tf.constant([row[name] for row in PARCELS], dtype) for name, dtype in dtypes.items()}
    shaped = {name: column[:, None] if name in ("count", "fragile") else column for name, column in columns.items()}
    return {name: tensor.numpy() for name, tensor in module.send(**shaped).items()}


def test_named_inputs_of_several_types_are_passed_to_the_signature(tf, module, parcels):
    expected = run_module(tf, module)
    with serve_artifact(parcels, trusted=True) as predictor:
        types = {feature.name: feature.type for feature in predictor.spec.signature.input.features}
        assert types == {"city": "text", "count": "integer", "fragile": "boolean", "weight": "float"}
        results = [predict_row(predictor, row).output["raw"] for row in PARCELS]
        batch_output = run_batch(predictor, PARCELS)
    assert [raw["note"] for raw in results] == ["Bern: near", "Chur: near", "Zürich: far"]
    assert [raw["price"] for raw in results] == pytest.approx(expected["price"], abs=1e-5)
    assert np.abs(np.array([raw["scores"] for raw in results]) - expected["scores"]).max() < 1e-5
    assert np.abs(batch_output["scores"] - expected["scores"]).max() < 1e-5
    assert list(batch_output["note"]) == [raw["note"] for raw in results]


def test_one_of_several_outputs_is_selected_by_name(tf, module, parcels):
    expected = run_module(tf, module)
    with serve_artifact(parcels, trusted=True, output={"name": "scores"}, labels=("slow", "fast")) as predictor:
        results = [predict_row(predictor, row).output["scores"] for row in PARCELS]
    assert [list(row.values()) for row in results] == [pytest.approx(row, abs=1e-5) for row in expected["scores"]]
    labels = ("Zürich: far", "Bern: near", "Chur: near")
    cities = {"features": [{"name": "city", "type": "category", "values": ["Bern", "Chur", "Zürich"]}]}
    note = {"kind": "label", "name": "note"}
    with serve_artifact(parcels, trusted=True, input=cities, output=note, labels=labels) as predictor:
        assert [predict_row(predictor, row).label for row in PARCELS] == [text.decode() for text in expected["note"]]
    assert_not_served(parcels, r"has no output 'prize'\. Did you mean 'price'\?", InvalidSignature, output={"name": "prize"})


def save(tf, path, *, signatures=("serving_default",), shape=(None, 2), compute=lambda x: x + x):
    """Save a module whose signatures all compute the same function."""
    module = tf.Module()
    function = tf.function(lambda x: {"y": compute(x)}, input_signature=[tf.TensorSpec(shape, name="x")])
    tf.saved_model.save(module, path, signatures=dict.fromkeys(signatures, function))
    return path


def test_single_signature_is_called_with_any_name(tf, tmp_path):
    with serve_artifact(save(tf, tmp_path / "m", signatures=["double"]), trusted=True, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, {"x0": 1.5, "x1": -2}).output["raw"] == [3.0, -4.0]


@pytest.mark.parametrize(("signatures", "message"), [([], "Received: none"), (["a", "b"], r"Received: \['a', 'b'\]")])
def test_missing_or_ambiguous_signature_is_rejected(tf, tmp_path, signatures, message):
    path = save(tf, tmp_path / "m", signatures=signatures)
    assert_not_served(path, rf"m must have a signature serving_default or a single signature\. {message}")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([], "Received: a single value"),
        (None, "Received: a tensor of unknown rank"),
        ([4, 2], r"variable or 1\. x has a fixed batch size of 4"),
    ],
)
def test_input_without_a_variable_batch_dimension_is_rejected(tf, tmp_path, shape, message):
    assert_not_served(save(tf, tmp_path / "m", shape=shape), message)


def test_batch_size_of_one_runs_row_by_row(tf, tmp_path):
    path = save(tf, tmp_path / "shares", shape=[1, 2], compute=lambda x: x / tf.reduce_sum(x))
    features = {"features": [{"name": "x0", "example": 1.0}, {"name": "x1"}]}
    with serve_artifact(path, trusted=True, input=features, output={"kind": "raw"}) as predictor:
        outputs = run_batch(predictor, [{"x0": 1.0, "x1": 3.0}, {"x0": 3.0, "x1": 1.0}])
    assert outputs.tolist() == [[0.25, 0.75], [0.75, 0.25]]


def test_invalid_folders_are_rejected(exported, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_not_served(empty, r"Expected a model folder with saved_model\.pb or MLmodel\. Received: empty")
    (empty / "saved_model.pb").write_bytes(b"no protocol buffer")
    assert_not_served(empty, r"TensorFlow .* cannot load empty: ")
    incomplete = tmp_path / "incomplete"
    shutil.copytree(exported[1], incomplete)
    shutil.rmtree(incomplete / "variables")
    assert_not_served(incomplete, r"TensorFlow .* cannot load incomplete: ")


def test_signature_can_be_selected_by_saving_again(tf, tmp_path):
    path = save(tf, tmp_path / "two", signatures=["a", "b"])
    model = tf.saved_model.load(str(path))
    tf.saved_model.save(model, tmp_path / "one", signatures={"serving_default": model.signatures["a"]})
    with serve_artifact(tmp_path / "one", trusted=True, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, {"x0": 1.5, "x1": -2}).output["raw"] == [3.0, -4.0]


@pytest.mark.parametrize(("width", "kind"), [(1, "classes"), (3, "labels")])
def test_final_sigmoid_is_not_applied_again(tf, tmp_path, width, kind):
    class Network(tf.Module):
        @tf.function
        def activate(self, rows):
            return tf.sigmoid(rows)

        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "rows")])
        def score(self, rows):
            return {"scores": tf.reshape(self.activate(rows[:, :width]), [-1] if width == 1 else [-1, width])}

    network = Network()
    tf.saved_model.save(network, tmp_path, signatures=network.score)
    with serve_artifact(tmp_path, trusted=True, labels=LABELS[:2] if width == 1 else LABELS) as predictor:
        assert predictor.spec.signature.output.kind == kind
        scores = get_scores(predict_row(predictor, {"x0": 2.0, "x1": -1.0, "x2": 0.0}))
    expected = 1 / (1 + np.exp([-2.0, 1.0, 0.0]))
    assert scores == pytest.approx([1 - expected[0], expected[0]] if width == 1 else expected, abs=1e-6)
