"""Keras models of tables, with several inputs and outputs, and in the HDF5 format, compared with Keras itself."""

import os

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidArtifact, InvalidFeatures, InvalidSignature
from inference.preprocessing import to_array
from inference.tests.factories import get_scores, predict_row, run_batch, serve_artifact

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once
LABELS = ("setosa", "versicolor", "virginica")
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]
INPUT = {"features": [{"name": name} for name in COLUMNS]}
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


@pytest.mark.parametrize("width", [4, None])
def test_matrix_columns_are_named_by_the_manifest(keras, tmp_path, width):
    rows = keras.Input((width,))
    inner = keras.layers.Dense(3, activation="softmax")(rows if width else keras.ops.reshape(rows, (-1, 4)))
    model = keras.Model(rows, inner)
    with serve_artifact(save(model, tmp_path / "iris.keras"), input=INPUT, labels=LABELS) as predictor:
        assert predictor.spec.signature.input.names == COLUMNS
        expected = model.predict(MATRIX, verbose=0)
        for row, scores in zip(ROWS, expected, strict=True):
            result = predict_row(predictor, row)
            assert get_scores(result) == pytest.approx(scores, abs=1e-5)
            assert result.label == LABELS[scores.argmax()]
        assert np.abs(run_batch(predictor, ROWS) - expected).max() < 1e-5


@pytest.mark.parametrize(("activation", "declared"), [("sigmoid", "none"), (None, "sigmoid")])
def test_one_number_for_two_labels_is_the_score_of_the_second(keras, tmp_path, activation, declared):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation=activation)])
    path = save(model, tmp_path / "binary.keras")
    with serve_artifact(path, output={"activation": declared}, labels=("no", "yes")) as predictor:
        results = [predict_row(predictor, dict(zip(["x0", "x1", "x2", "x3"], row, strict=True))) for row in MATRIX.tolist()]
    numbers = model.predict(MATRIX, verbose=0).ravel().astype(np.float64)
    second = numbers if activation else 1 / (1 + np.exp(-numbers))
    assert [result.output["scores"]["yes"] for result in results] == pytest.approx(second, abs=1e-5)
    assert [result.label for result in results] == ["yes" if score > 0.5 else "no" for score in second]
    with (
        pytest.raises(InvalidSignature, match=r"Expected (2|two) labels.* Received: 3"),
        serve_artifact(path, labels=LABELS),
    ):
        pass


def test_one_number_without_labels_is_a_value(keras, tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with serve_artifact(save(model, tmp_path / "value.keras"), input=INPUT, output={"unit": "cm"}) as predictor:
        assert predict_row(predictor, ROWS[0]).value == pytest.approx(model.predict(MATRIX[:1], verbose=0).item(), abs=1e-5)


def make_price_model(keras, *, packed):
    """Return a model with one input per column, of four types and not in alphabetical order."""
    layers = keras.layers
    size = keras.Input((1,), name="size")
    rooms = keras.Input((1,), name="rooms", dtype="int32")
    city = keras.Input((1,), name="city", dtype="string")
    garden = keras.Input((), name="garden", dtype="bool")
    place = layers.StringLookup(vocabulary=["Bern", "Chur"], output_mode="one_hot")(city)
    numbers = [keras.ops.cast(rooms, "float32"), keras.ops.reshape(keras.ops.cast(garden, "float32"), (-1, 1))]
    price = layers.Dense(1, name="price")(layers.Concatenate()([size, *numbers, place]))
    inputs = [size, rooms, city, garden]
    return keras.Model({tensor.name: tensor for tensor in inputs} if packed else inputs, price)


HOUSES = [
    {"size": 81.5, "rooms": 3, "city": "Bern", "garden": True},
    {"size": 20.0, "rooms": 1, "city": "Chur", "garden": False},
    {"size": 33.3, "rooms": 2, "city": "Genf", "garden": True},
]


@pytest.mark.parametrize("packed", [True, False])
def test_named_inputs_receive_their_columns_in_any_order(keras, tmp_path, packed):
    import tensorflow as tf

    model = make_price_model(keras, packed=packed)
    houses = {"features": [{"name": "city", "type": "category", "values": ["Bern", "Chur", "Genf"]}]}
    with serve_artifact(save(model, tmp_path / "houses.keras"), input=houses) as predictor:
        types = {feature.name: feature.type for feature in predictor.spec.signature.input.features}
        assert types == {"size": "float", "rooms": "integer", "city": "category", "garden": "boolean"}
        columns = {name: tf.constant([row[name] for row in HOUSES]) for name in HOUSES[0]}
        shaped = {name: column if name == "garden" else column[:, None] for name, column in columns.items()}
        expected = model(shaped if packed else list(shaped.values())).numpy().ravel()
        assert [predict_row(predictor, row).value for row in HOUSES] == pytest.approx(expected, abs=1e-5)
        assert run_batch(predictor, HOUSES).ravel() == pytest.approx(expected, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"rooms: Expected a whole number from -2,147,483,648 to 2,147,483,647"):
            predict_row(predictor, {**HOUSES[0], "rooms": 2**31})
    misspelled = pytest.raises(InvalidSignature, match=r"takes no feature 'rome'\. Did you mean 'rooms'\?")
    with misspelled, serve_artifact(tmp_path / "houses.keras", input={"features": [{"name": "rome"}]}):
        pass


def make_two_output_model(keras, structure):
    rows = keras.Input((4,))
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(rows)
    weight = keras.layers.Dense(1, name="weight")(rows)
    return keras.Model(rows, {"weight": weight, "kind": kind} if structure == "dict" else [weight, kind])


@pytest.mark.parametrize("structure", ["dict", "list"])
def test_one_of_several_outputs_is_selected_or_all_are_stored(keras, tmp_path, structure):
    model = make_two_output_model(keras, structure)
    path = save(model, tmp_path / "two.keras")
    outputs = model.predict(MATRIX, verbose=0)
    weights, kinds = (outputs["weight"], outputs["kind"]) if structure == "dict" else outputs
    for output in ({"name": "kind"}, {}):  # only this output has one number per label
        with serve_artifact(path, input=INPUT, output=output, labels=LABELS) as predictor:
            assert get_scores(predict_row(predictor, ROWS[1])) == pytest.approx(kinds[1], abs=1e-5)
    with serve_artifact(path, input=INPUT, output={"name": "weight", "kind": "value"}) as predictor:
        assert predict_row(predictor, ROWS[1]).value == pytest.approx(weights[1].item(), abs=1e-5)
    with serve_artifact(path, input=INPUT) as predictor:
        raw = predict_row(predictor, ROWS[1]).output["raw"]
    assert raw == {"kind": pytest.approx(kinds[1], abs=1e-5), "weight": pytest.approx(weights[1], abs=1e-5)}
    ambiguous = pytest.raises(InvalidSignature, match=r"Expected name in \[output\], .* has several outputs: .*weight")
    with ambiguous, serve_artifact(path, input=INPUT, labels=LABELS[:2]):
        pass


def test_layer_that_is_called_twice_has_two_outputs(keras, tmp_path):
    rows = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    model = keras.Model(rows, [shared(rows), shared(shared(rows))])
    with serve_artifact(save(model, tmp_path / "twice.keras"), input=INPUT) as predictor:
        raw = predict_row(predictor, ROWS[0]).output["raw"]
    once, twice = model.predict(MATRIX[:1], verbose=0)
    assert raw == {"shared": pytest.approx(once[0], abs=1e-5), "shared_1": pytest.approx(twice[0], abs=1e-5)}


def test_grayscale_image_is_passed_to_an_input_without_channels(keras, tmp_path):
    model = keras.Sequential([keras.Input((6, 8)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    path = save(model, tmp_path / "gray.keras")
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 8), np.uint8))
    with serve_artifact(path, input={"kind": "image", "scale": "unit"}, labels=LABELS) as predictor:
        expected = model.predict(to_array(image, predictor.spec.signature.input)[None, ..., 0], verbose=0)[0]
        assert get_scores(predictor.predict(image, timeout=60)) == pytest.approx(expected, abs=1e-5)
    with (
        pytest.raises(InvalidSignature, match=r"grayscale image .* set kind = \"image\""),
        serve_artifact(path, labels=LABELS),
    ):
        pass


@pytest.mark.parametrize("size", [1, 4])
def test_fixed_batch_size_does_not_matter(keras, tmp_path, size):
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    model(MATRIX[:1].repeat(size, axis=0))
    assert model.inputs[0].shape == (size, 4)
    with serve_artifact(save(model, tmp_path / "fixed.keras"), input=INPUT, labels=LABELS) as predictor:
        expected = np.concatenate([model(row[None]) for row in MATRIX])
        assert np.abs(run_batch(predictor, ROWS) - expected).max() < 1e-5
        assert get_scores(predict_row(predictor, ROWS[0])) == pytest.approx(expected[0], abs=1e-5)


def test_operation_with_a_fixed_batch_size_is_rejected(keras, tmp_path):
    rows = keras.Input(batch_shape=(4, 4))
    path = save(keras.Model(rows, keras.ops.reshape(rows, (4, 2, 2))), tmp_path / "four.keras")
    rejected = pytest.raises(InvalidArtifact, match=r"must be variable or 1\. .* has a fixed batch size of 4")
    with rejected, serve_artifact(path):
        pass


def test_bfloat16_outputs_are_converted_to_float32(keras, tmp_path):
    layer = keras.layers.Dense(3, activation="softmax", dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((4,)), layer])
    path = save(model, tmp_path / "half.keras")
    expected = model.predict(MATRIX[:1], verbose=0)[0].astype(np.float32)
    with serve_artifact(path, input=INPUT, labels=LABELS) as predictor:
        assert get_scores(predict_row(predictor, ROWS[0])) == pytest.approx(expected, abs=1e-5)
    with serve_artifact(path, input=INPUT, output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("has_code", [True, False])
def test_hdf5_file_is_loaded_if_it_is_trusted(keras, tmp_path, has_code):
    extra = [keras.layers.Lambda(lambda x: x * 2 + 1)] if has_code else []
    model = keras.Sequential([keras.Input((4,)), *extra, keras.layers.Dense(3, activation="softmax")])
    path = save(model, tmp_path / "old.h5")
    with (
        pytest.raises(InvalidArtifact, match=r"old\.h5 has a format \(\.h5\) that can run its author's code"),
        serve_artifact(path),
    ):
        pass
    with serve_artifact(path, trusted=True, input=INPUT, labels=LABELS) as predictor:
        scores = [get_scores(predict_row(predictor, row)) for row in ROWS]
    assert np.abs(np.array(scores) - model.predict(MATRIX, verbose=0)).max() < 1e-5
