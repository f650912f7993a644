"""Keras networks converted to ONNX return the results of Keras, or are not converted."""

import os
from dataclasses import replace

import numpy as np
import pytest

from inference.conversion_check import measure_difference
from inference.errors import ConversionRefused, InvalidArtifact
from inference.runtimes import load_artifact
from inference.runtimes.keras import KerasRuntime
from inference.signature import Feature, Signature, TableInput
from inference.signature.outputs import ClassesOutput
from inference.types import ModelSpec, Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(1)
    return keras


@pytest.fixture
def convert(tmp_path):
    """Return a function that saves a network, and returns how Keras runs it, and how onnxruntime runs the converted one."""

    def convert_model(model, **options):
        model.save(tmp_path / "network.keras")
        runtime = KerasRuntime(tmp_path / "network.keras", threads=1, **options)
        original = runtime.load()
        conversion = runtime.convert()
        (tmp_path / "converted.onnx").write_bytes(conversion.data)
        return original, load_artifact(conversion.runtime, tmp_path / "converted.onnx", threads=1)[1]

    return convert_model


def make_table(count, *names):
    features = tuple(map(Feature, names))
    values = np.random.default_rng(0).normal(size=(len(names), count))
    return Table(features, dict(zip(names, values, strict=True)))


def test_inputs_and_outputs_keep_their_names_and_order(keras, convert):
    first, second = (keras.Input((1,), name=name) for name in ("b", "a"))
    layers = keras.layers
    total = layers.Concatenate()([first, layers.Rescaling(10)(second)])
    unused = keras.Input((2,), name="unused")
    outputs = {"b": layers.Dense(2)(total), "more": layers.Dense(1)(total), "last": layers.Flatten()(unused)}
    original, converted = convert(keras.Model({"b": first, "a": second, "unused": unused}, outputs))
    table = make_table(5, "a", "b", "c", "d")
    expected, received = original(table), converted(table)
    assert list(expected) == list(received)
    for name, array in expected.items():
        assert received[name].shape == array.shape
        assert np.abs(received[name] - array).max() < 1e-5


def test_constants_and_recurrent_layers_are_converted(keras, convert):
    normalization = keras.layers.Normalization()
    normalization.adapt(np.random.default_rng(1).normal(5, 2, (50, 3)))
    layers = [normalization, keras.layers.Reshape((3, 1)), keras.layers.LSTM(4), keras.layers.Dense(2)]
    original, converted = convert(keras.Sequential([keras.Input((3,)), *layers]))
    for count in (1, 2, 7):
        table = make_table(count, "x0", "x1", "x2")
        assert np.abs(original(table) - converted(table)).max() < 1e-5


def test_a_fixed_batch_size_of_1_is_kept(keras, convert):
    original, converted = convert(keras.Sequential([keras.Input(batch_shape=(1, 2)), keras.layers.Dense(2)]))
    table = make_table(3, "x0", "x1")
    assert np.abs(original(table) - converted(table)).max() < 1e-5


def test_a_network_that_selects_rows_by_number_is_not_converted(keras, convert):
    layers = [keras.layers.Embedding(5, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    with pytest.raises(ConversionRefused, match="selects by numbers"):
        convert(keras.Sequential([keras.Input((2,), dtype="int32"), *layers]))


def test_a_network_that_is_too_large_is_not_converted(keras, convert, monkeypatch):
    monkeypatch.setattr("inference.runtimes.keras.conversion.MAX_GRAPH_BYTES", 1000)
    with pytest.raises(ConversionRefused, match="the limits are 1000 bytes"):
        convert(keras.Sequential([keras.Input((2,)), keras.layers.Dense(500)]))


def test_a_network_with_code_or_text_is_not_converted(keras, tmp_path):
    code = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2)])
    text = keras.Sequential([keras.Input((1,), dtype="string"), keras.layers.StringLookup(vocabulary=["a"])])
    for model in (code, text):
        model.save(tmp_path / "network.keras")
        runtime = KerasRuntime(tmp_path / "network.keras", trusted=True)
        runtime.load()
        assert runtime.convert() is None


def test_an_onnx_file_that_was_not_converted_is_rejected(tmp_path):
    from inference.tests.factories import make_doubling_model, write_onnx

    with pytest.raises(InvalidArtifact, match="not a file that registration has converted"):
        load_artifact("converted", write_onnx(make_doubling_model("n"), tmp_path / "m.onnx"))


LABELS = ("left", "right")
SPEC = ModelSpec(
    "sides", 1, "keras", None, "", Signature(TableInput((Feature("x", min=0, max=1),)), ClassesOutput()), LABELS
)


def run_original(table):
    scores = table.columns["x"] * 0.6 + 0.2
    return np.stack([scores, 1 - scores], axis=1)


def add(number):
    return lambda table: run_original(table) + np.array([number, -number])


def fail(table):
    raise ValueError


def fail_on_batches(table):
    return run_original(table) if len(table) == 1 else fail(table)


def test_the_largest_difference_is_measured():
    assert measure_difference(run_original, run_original, SPEC) == 0
    assert measure_difference(run_original, add(2e-6), SPEC) == pytest.approx(2e-6)


def test_large_numbers_are_compared_relatively():
    spec = replace(SPEC, signature=Signature(SPEC.signature.input, ClassesOutput(activation="softmax")))

    def run(factor):
        return lambda table: run_original(table) * factor

    assert measure_difference(run(1000.0), run(1000.004), spec) == pytest.approx(4e-6, rel=0.01)
    with pytest.raises(ConversionRefused, match="differ by"):
        measure_difference(run(1000.0), run(1000.04), spec)


@pytest.mark.parametrize(
    ("converted", "message"),
    [
        (add(2e-5), "differ by 2.0e-05"),
        (lambda table: run_original(table)[:, ::-1], "differ by"),
        (lambda table: run_original(table).astype(np.float32), "float32"),
        (lambda table: run_original(table) * np.nan, "differ by nan"),
        (fail, "fails on an input"),
        (fail_on_batches, "fails on 2 inputs"),
    ],
)
def test_a_network_with_other_results_is_refused(converted, message):
    with pytest.raises(ConversionRefused, match=message):
        measure_difference(run_original, converted, SPEC)


def test_another_label_is_refused():
    spec = replace(SPEC, signature=Signature(SPEC.signature.input, ClassesOutput(threshold=0.5)))

    def run(second):
        return lambda table: np.tile([1 - second, second], (len(table), 1))

    with pytest.raises(ConversionRefused, match="label"):
        measure_difference(run(0.5), run(0.5 - 1e-7), spec)
