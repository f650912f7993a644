"""Keras models of tables, of several inputs and outputs, and of the older format, answered as Keras answers."""

import os

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidArtifact, InvalidFeatures, InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import predict_row, run_batch, serve_artifact

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
NAMES = ("setosa", "versicolor", "virginica")
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
TAKEN = {"features": [{"name": name} for name in COLUMNS]}
MATRIX = np.random.default_rng(3).normal(size=(7, 4)).astype(np.float32)
ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in MATRIX.tolist()]


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(2)
    return keras


def save(model, path):
    model.save(path)
    return path


def scores_of(answer):
    return list(answer.output["scores"].values())


@pytest.mark.parametrize("width", [4, None])
def test_a_matrix_of_features_is_named_by_the_manifest(keras, tmp_path, width):
    rows = keras.Input((width,))
    inner = keras.layers.Dense(3, activation="softmax")(rows if width else keras.ops.reshape(rows, (-1, 4)))
    model = keras.Model(rows, inner)
    with serve_artifact(save(model, tmp_path / "iris.keras"), input=TAKEN, labels=NAMES) as predictor:
        assert predictor.spec.signature.input.names == COLUMNS
        expected = model.predict(MATRIX, verbose=0)
        for row, scores in zip(ROWS, expected, strict=True):
            answer = predict_row(predictor, row)
            assert scores_of(answer) == pytest.approx(scores, abs=1e-5)
            assert answer.label == NAMES[scores.argmax()]
        assert np.abs(run_batch(predictor, ROWS) - expected).max() < 1e-5


@pytest.mark.parametrize(("activation", "left"), [("sigmoid", "none"), (None, "sigmoid")])
def test_one_number_for_two_labels_is_the_second_ones_score(keras, tmp_path, activation, left):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation=activation)])
    path = save(model, tmp_path / "binary.keras")
    with serve_artifact(path, output={"activation": left}, labels=("no", "yes")) as predictor:
        found = [predict_row(predictor, dict(zip(["x0", "x1", "x2", "x3"], row, strict=True))) for row in MATRIX.tolist()]
    numbers = model.predict(MATRIX, verbose=0).ravel().astype(np.float64)
    second = numbers if activation else 1 / (1 + np.exp(-numbers))
    assert [answer.output["scores"]["yes"] for answer in found] == pytest.approx(second, abs=1e-5)
    assert [answer.label for answer in found] == ["yes" if score > 0.5 else "no" for score in second]
    with (
        pytest.raises(InvalidSignature, match=r"Expected 2 labels for an output of one number.* Received: 3"),
        serve_artifact(path, labels=NAMES),
    ):
        pass


def test_one_number_without_labels_is_a_value(keras, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with serve_artifact(save(model, tmp_path / "value.keras"), input=TAKEN, output={"unit": "cm"}) as predictor:
        assert predict_row(predictor, ROWS[0]).value == pytest.approx(model.predict(MATRIX[:1], verbose=0).item(), abs=1e-5)


def houses(keras, *, packed):
    """Return a model of one input per column, of four types, none of them in the order of the alphabet."""
    layers = keras.layers
    size = keras.Input((1,), name="size")
    rooms = keras.Input((1,), name="rooms", dtype="int32")
    city = keras.Input((1,), name="city", dtype="string")
    garden = keras.Input((), name="garden", dtype="bool")
    place = layers.StringLookup(vocabulary=["Bern", "Chur"], output_mode="one_hot")(city)
    numbers = [keras.ops.cast(rooms, "float32"), keras.ops.reshape(keras.ops.cast(garden, "float32"), (-1, 1))]
    price = layers.Dense(1, name="price")(layers.Concatenate()([size, *numbers, place]))
    inputs = [size, rooms, city, garden]
    return keras.Model({one.name: one for one in inputs} if packed else inputs, price)


HOUSES = [
    {"size": 81.5, "rooms": 3, "city": "Bern", "garden": True},
    {"size": 20.0, "rooms": 1, "city": "Chur", "garden": False},
    {"size": 33.3, "rooms": 2, "city": "Genf", "garden": True},
]


@pytest.mark.parametrize("packed", [True, False])
def test_named_inputs_get_their_own_columns_whatever_the_order(keras, tmp_path, packed):
    import tensorflow as tf

    model = houses(keras, packed=packed)
    told = {"features": [{"name": "city", "type": "category", "values": ["Bern", "Chur", "Genf"]}]}
    with serve_artifact(save(model, tmp_path / "houses.keras"), input=told) as predictor:
        types = {one.name: one.type for one in predictor.spec.signature.input.features}
        assert types == {"size": "float", "rooms": "integer", "city": "category", "garden": "boolean"}
        columns = {name: tf.constant([row[name] for row in HOUSES]) for name in HOUSES[0]}
        shaped = {name: column if name == "garden" else column[:, None] for name, column in columns.items()}
        expected = model(shaped if packed else list(shaped.values())).numpy().ravel()
        assert [predict_row(predictor, row).value for row in HOUSES] == pytest.approx(expected, abs=1e-5)
        assert run_batch(predictor, HOUSES).ravel() == pytest.approx(expected, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"rooms: Expected a whole number from -2,147,483,648 to 2,147,483,647"):
            predict_row(predictor, {**HOUSES[0], "rooms": 2**31})
    misspelt = pytest.raises(InvalidSignature, match=r"takes no feature 'rome'\. Did you mean 'rooms'\?")
    with misspelt, serve_artifact(tmp_path / "houses.keras", input={"features": [{"name": "rome"}]}):
        pass


def two_headed(keras, structure):
    rows = keras.Input((4,))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(rows)
    weight = keras.layers.Dense(1, name="weight")(rows)
    return keras.Model(rows, {"weight": weight, "kind": kind} if structure == "dict" else [weight, kind])


@pytest.mark.parametrize("structure", ["dict", "list"])
def test_of_several_outputs_one_is_picked_or_all_are_kept(keras, tmp_path, structure):
    model = two_headed(keras, structure)
    path = save(model, tmp_path / "two.keras")
    found = model.predict(MATRIX, verbose=0)
    weights, kinds = (found["weight"], found["kind"]) if structure == "dict" else found
    with serve_artifact(path, input=TAKEN, output={"name": "kind"}, labels=NAMES) as predictor:
        assert scores_of(predict_row(predictor, ROWS[1])) == pytest.approx(kinds[1], abs=1e-5)
    with serve_artifact(path, input=TAKEN, output={"name": "weight", "kind": "value"}) as predictor:
        assert predict_row(predictor, ROWS[1]).value == pytest.approx(weights[1].item(), abs=1e-5)
    with serve_artifact(path, input=TAKEN) as predictor:
        raw = predict_row(predictor, ROWS[1]).output["raw"]
    assert raw == {"kind": pytest.approx(kinds[1], abs=1e-5), "weight": pytest.approx(weights[1], abs=1e-5)}
    several = pytest.raises(InvalidSignature, match=r"Expected name in \[output\]: the artifact has several, .*weight")
    with several, serve_artifact(path, input=TAKEN, labels=NAMES):
        pass


def test_a_layer_that_is_called_twice_gives_two_outputs(keras, tmp_path):
    rows = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    model = keras.Model(rows, [shared(rows), shared(shared(rows))])
    with serve_artifact(save(model, tmp_path / "twice.keras"), input=TAKEN) as predictor:
        raw = predict_row(predictor, ROWS[0]).output["raw"]
    once, twice = model.predict(MATRIX[:1], verbose=0)
    assert raw == {"shared": pytest.approx(once[0], abs=1e-5), "shared_1": pytest.approx(twice[0], abs=1e-5)}


def test_a_grey_image_reaches_an_input_without_a_channel(keras, tmp_path):
    model = keras.Sequential([keras.Input((6, 8)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    path = save(model, tmp_path / "grey.keras")
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 8), np.uint8))
    with serve_artifact(path, input={"kind": "image"}, labels=NAMES) as predictor:
        expected = model.predict(to_array(picture, predictor.spec.signature.input)[None, ..., 0], verbose=0)[0]
        assert scores_of(predictor.predict(picture, timeout=60)) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(InvalidSignature, match=r"grey picture .* say kind = 'image'"), serve_artifact(path, labels=NAMES):
        pass


def test_a_batch_size_of_one_is_answered_row_by_row_and_one_of_several_is_refused(keras, tmp_path):
    def fixed(size):
        return keras.Sequential([keras.Input(batch_shape=(size, 4)), keras.layers.Dense(3, activation="softmax")])

    one = fixed(1)
    with serve_artifact(save(one, tmp_path / "one.keras"), input=TAKEN, labels=NAMES) as predictor:
        expected = np.concatenate([one.predict(row[None], verbose=0) for row in MATRIX])
        assert np.abs(run_batch(predictor, ROWS) - expected).max() < 1e-5
    refused = pytest.raises(InvalidArtifact, match=r"Expected a free batch size, or 1\. .* takes 4 rows at once")
    with refused, serve_artifact(save(fixed(4), tmp_path / "four.keras")):
        pass


def test_brain_floats_are_answered_as_numbers(keras, tmp_path):
    layer = keras.layers.Dense(3, activation="softmax", dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((4,)), layer])
    path = save(model, tmp_path / "half.keras")
    expected = model.predict(MATRIX[:1], verbose=0)[0].astype(np.float32)
    with serve_artifact(path, input=TAKEN, labels=NAMES) as predictor:
        assert scores_of(predict_row(predictor, ROWS[0])) == pytest.approx(expected, abs=1e-5)
    with serve_artifact(path, input=TAKEN, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("has_code", [True, False])
def test_the_older_format_is_loaded_when_it_is_trusted(keras, tmp_path, has_code):
    extra = [keras.layers.Lambda(lambda x: x * 2 + 1)] if has_code else []
    model = keras.Sequential([keras.Input((4,)), *extra, keras.layers.Dense(3, activation="softmax")])
    path = save(model, tmp_path / "old.h5")
    with (
        pytest.raises(InvalidArtifact, match=r"old\.h5 is of a kind \(\.h5\) that runs its author's code"),
        serve_artifact(path),
    ):
        pass
    with serve_artifact(path, trusted=True, input=TAKEN, labels=NAMES) as predictor:
        found = [scores_of(predict_row(predictor, row)) for row in ROWS]
    assert np.abs(np.array(found) - model.predict(MATRIX, verbose=0)).max() < 1e-5
