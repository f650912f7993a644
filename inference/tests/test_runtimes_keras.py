"""The `.keras` format: loading, and files that are rejected."""

import json
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from inference.errors import InvalidArtifact
from inference.runtimes.keras import KerasRuntime, check_classes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.xdist_group("tensorflow")  # imported once


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(1)
    return keras


@pytest.fixture(scope="module")
def color_model(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((16, 12, 3)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(5, activation="softmax"),
        ]
    )


@pytest.fixture
def saved_path(color_model, tmp_path):
    path = tmp_path / "color.keras"
    color_model.save(path)
    return path


def test_outputs_equal_those_of_keras(color_model, saved_path):
    batch = np.random.default_rng(0).random((7, 16, 12, 3), np.float32)
    rows = KerasRuntime(saved_path).load()(batch)
    assert rows.shape == (7, 5)
    assert np.abs(rows - color_model.predict(batch, verbose=0)).max() < 1e-5


def test_batch_size_does_not_change_outputs(saved_path):
    run = KerasRuntime(saved_path).load()
    batch = np.random.default_rng(0).random((4, 16, 12, 3), np.float32)
    alone = np.concatenate([run(batch[index : index + 1]) for index in range(4)])
    assert np.abs(run(batch) - alone).max() < 1e-5


def test_shapes_and_version_are_read_from_the_file(keras, saved_path):
    runtime = KerasRuntime(saved_path, threads=1)
    runtime.load()
    metadata = runtime.describe()
    assert [(tensor.dtype, tensor.shape) for tensor in (*metadata.inputs, *metadata.outputs)] == [
        ("float32", (16, 12, 3)),
        ("float32", (5,)),
    ]
    assert (metadata.framework, metadata.framework_version) == ("keras", keras.__version__)


def test_thread_counts_are_set_without_log_output(saved_path):
    code = "import sys, pathlib; from inference.runtimes.keras import KerasRuntime as K; "
    code += "K(pathlib.Path(sys.argv[1]), threads=3).load(); import tensorflow as tf; t = tf.config.threading; "
    code += "print(t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads())"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"}
    command = [sys.executable, "-c", code, str(saved_path)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (process.stdout.split(), process.stderr) == (["3", "1"], "")


def test_functional_model_with_variable_size_is_loaded(keras, tmp_path):
    image = keras.Input((None, None, 1))
    scores = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalMaxPooling2D()(image))
    keras.Model(image, scores).save(tmp_path / "variable.keras")
    runtime = KerasRuntime(tmp_path / "variable.keras")
    assert runtime.load()(np.zeros((1, 9, 5, 1), np.float32)).shape == (1, 2)
    assert runtime.describe().inputs[0].shape == (None, None, 1)


def test_lambda_layer_is_rejected_and_does_not_run(keras, tmp_path):
    canary = tmp_path / "canary"
    path = tmp_path / "lambda.keras"
    code = f"lambda x: [x, __import__('pathlib').Path({str(canary)!r}).touch()][0]"
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(eval(code))])
    canary.unlink(missing_ok=True)
    model.save(path)
    with pytest.raises(InvalidArtifact, match="Lambda would run code"):
        KerasRuntime(path).load()
    assert not canary.exists()


def test_custom_loss_is_ignored(keras, tmp_path):
    def my_loss(expected, predicted):
        return keras.ops.mean(keras.ops.abs(expected - predicted))

    path = tmp_path / "custom-loss.keras"
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", my_loss)
    model.save(path)
    assert KerasRuntime(path).load()(np.zeros((1, 4), np.float32)).shape == (1, 2)


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_model_without_input_shape_is_rejected(keras, tmp_path):
    path = tmp_path / "unbuilt.keras"
    keras.Sequential([keras.layers.Dense(2)]).save(path)
    with pytest.raises(InvalidArtifact, match="cannot determine the inputs"):
        KerasRuntime(path).load()


def test_custom_layer_is_rejected(keras, tmp_path):
    class CustomLayer(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    path = tmp_path / "custom.keras"
    keras.Sequential([keras.Input((4,)), CustomLayer()]).save(path)
    with pytest.raises(InvalidArtifact, match="CustomLayer would run code"):
        KerasRuntime(path).load()


@pytest.mark.parametrize(
    "part",
    [
        {"module": "os", "class_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "keras_evil", "class_name": "Dense"},
        {"module": ["os"], "class_name": "system"},
        {"module": "keras.layers", "class_name": "TFSMLayer"},
        {"module": None, "class_name": "Evil", "registered_name": "pkg>Evil"},
    ],
)
def test_code_in_any_part_of_the_configuration_is_rejected(part):
    dense = {"module": "keras.layers", "class_name": "Dense", "registered_name": None}
    check_classes({"config": {"layers": [dense]}})
    with pytest.raises(InvalidArtifact, match="would run code"):
        check_classes({"config": {"layers": [dense, {"inner": [{"deep": part}]}]}})


@pytest.mark.parametrize("member", ["../evil.py", "evil.py", "assets/../../x"])
def test_archive_with_unexpected_members_is_rejected(saved_path, tmp_path, member):
    path = tmp_path / "more.keras"
    path.write_bytes(saved_path.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, "x")
    with pytest.raises(InvalidArtifact, match="Expected only"):
        KerasRuntime(path).load()


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04 truncated"])
def test_invalid_archive_is_rejected(tmp_path, data):
    path = tmp_path / "broken.keras"
    path.write_bytes(data)
    with pytest.raises(InvalidArtifact, match=r"is not a complete \.keras archive"):
        KerasRuntime(path).load()


@pytest.mark.parametrize(
    ("config", "metadata"),
    [("[" * 100_000 + "]" * 100_000, "{}"), ("{}", "[]"), ('"' + "x" * (17 * 2**20) + '"', "{}"), ("5", "{}")],
    ids=["deep", "list", "large", "number"],
)
def test_invalid_configuration_is_rejected(tmp_path, config, metadata):
    path = tmp_path / "invalid.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", metadata)
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(InvalidArtifact):
        KerasRuntime(path).load()


@pytest.mark.parametrize("kind", ["external file", "virtual dataset", "link to a file"])
def test_weights_outside_the_archive_are_not_read(saved_path, tmp_path, kind):
    """HDF5 can refer to data in other files, which would become part of the outputs of the model."""
    path, weights, secret = tmp_path / "outside.keras", tmp_path / "weights.h5", tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones(5, np.float32)
    with zipfile.ZipFile(saved_path) as whole, zipfile.ZipFile(path, "w") as part:
        weights.write_bytes(whole.read("model.weights.h5"))
        with h5py.File(weights, "r+") as file:
            name = next(name for name in list_datasets(file) if "dense" in name and name.endswith("1"))
            shape = file[name].shape
            del file[name]
            if kind == "external file":
                file.create_dataset(name, shape, np.float32, external=[(str(secret), 0, 20)])
            elif kind == "virtual dataset":
                layout = h5py.VirtualLayout(shape, np.float32)
                layout[:] = h5py.VirtualSource(str(secret), "data", shape)
                file.create_virtual_dataset(name, layout)
            else:
                file[name] = h5py.ExternalLink(str(secret), "data")
        for member in ("config.json", "metadata.json"):
            part.writestr(member, whole.read(member))
        part.writestr("model.weights.h5", weights.read_bytes())
    with pytest.raises(InvalidArtifact, match="cannot load"):
        KerasRuntime(path).load()


def list_datasets(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def test_archive_without_weights_is_rejected(saved_path, tmp_path):
    path = tmp_path / "empty.keras"
    with zipfile.ZipFile(saved_path) as whole, zipfile.ZipFile(path, "w") as part:
        for name in ("config.json", "metadata.json"):
            part.writestr(name, json.dumps(json.loads(whole.read(name))))
    with pytest.raises(InvalidArtifact, match="cannot load"):
        KerasRuntime(path).load()
