"""Formats of Keras files, and the reasons for which files are rejected."""

import json
import os
import sys
import zipfile

import h5py
import numpy as np
import pytest

from inference.errors import InvalidArtifact
from inference.runtimes import create_runtime, detect_runtime
from inference.runtimes.keras import KerasRuntime
from inference.runtimes.keras.upgrade import make_legacy_layers, upgrade_config

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = [
    pytest.mark.xdist_group("tensorflow"),  # imported once
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]
ROWS = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
LAYER_MODULE = """
import keras

class Triple(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 3
"""


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(1)
    return keras


@pytest.fixture
def network(keras):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def test_content_determines_the_format(network, tmp_path):
    network.save(tmp_path / "a.keras")
    network.save(tmp_path / "b.h5")
    archive, hdf5 = (tmp_path / "a.keras").rename(tmp_path / "c.h5"), (tmp_path / "b.h5").rename(tmp_path / "d.keras")
    expected = network.predict(ROWS, verbose=0)
    assert np.abs(KerasRuntime(archive).load()(ROWS) - expected).max() < 1e-5
    assert np.abs(KerasRuntime(hdf5, trusted=True).load()(ROWS) - expected).max() < 1e-5
    assert create_runtime("keras", archive).path == archive
    with pytest.raises(InvalidArtifact, match=r"d\.keras has a format \(\.h5\) that can run its author's code"):
        create_runtime(detect_runtime(hdf5), hdf5)
    with pytest.raises(InvalidArtifact, match=r"d\.keras is an HDF5 file, which can run"):
        KerasRuntime(hdf5).load()


def test_trusted_archive_can_contain_classes_of_importable_modules(keras, tmp_path, monkeypatch):
    (tmp_path / "triples.py").write_text(LAYER_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import triples

    model = keras.Sequential([keras.Input((4,)), triples.Triple(), keras.layers.Dense(2)])
    path = tmp_path / "triple.keras"
    model.save(path)
    with pytest.raises(InvalidArtifact, match=r"triples\.Triple would run code .* register the file with --trusted"):
        KerasRuntime(path).load()
    assert np.abs(KerasRuntime(path, trusted=True).load()(ROWS) - model.predict(ROWS, verbose=0)).max() < 1e-5
    monkeypatch.undo()
    del sys.modules["triples"]
    with pytest.raises(InvalidArtifact, match=r"it contains Triple, which is not .* model\.export\(folder\)") as caught:
        KerasRuntime(path, trusted=True).load()
    assert "{" not in caught.value.message
    model.export(tmp_path / "exported", verbose=False)
    run = create_runtime("tensorflow", tmp_path / "exported", trusted=True).load()
    assert np.abs(run(ROWS) - model.predict(ROWS, verbose=0)).max() < 1e-5


def test_message_names_both_versions_and_the_reason_without_the_configuration(keras, network, tmp_path):
    network.save(tmp_path / "now.keras")
    with zipfile.ZipFile(tmp_path / "now.keras") as source, zipfile.ZipFile(tmp_path / "later.keras", "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "metadata.json":
                data = json.dumps({**json.loads(data), "keras_version": "9.5.0"}).encode()
            if name == "config.json":
                data = data.replace(b'"units": 2', b'"units": 2, "turbo": 5')
            target.writestr(name, data)
    with pytest.raises(InvalidArtifact) as caught:
        KerasRuntime(tmp_path / "later.keras").load()
    assert caught.value.message == (
        f"Keras {keras.__version__} cannot load later.keras (written by Keras 9.5.0): Unrecognized keyword arguments passed "
        "to Dense: {'turbo': 5}. Load the file with Keras 9.5.0, export the network with model.export(folder), and register "
        "the folder with --trusted."
    )


def test_hdf5_files_without_a_network_are_rejected(network, tmp_path):
    network.save_weights(tmp_path / "net.weights.h5")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["numbers"] = [1, 2]
    network.save(tmp_path / "net.h5")
    (tmp_path / "cut.h5").write_bytes((tmp_path / "net.h5").read_bytes()[:2000])
    for name, message in (
        ("net.weights.h5", "contains weights without the network"),
        ("data.h5", "without a Keras network"),
        ("cut.h5", "cannot be read as an HDF5 file"),
    ):
        with pytest.raises(InvalidArtifact, match=message):
            KerasRuntime(tmp_path / name, trusted=True).load()


def test_layer_that_reads_another_folder_is_rejected(network, tmp_path):
    network.save(tmp_path / "now.keras")
    layer = {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "exported"}}
    with zipfile.ZipFile(tmp_path / "now.keras") as source, zipfile.ZipFile(tmp_path / "net.keras", "w") as target:
        for name in source.namelist():
            config = {"class_name": "Sequential", "config": {"layers": [layer]}}
            target.writestr(name, json.dumps(config) if name == "config.json" else source.read(name))
    with pytest.raises(InvalidArtifact, match=r"not part of the file: exported\. Register that folder with --trusted"):
        KerasRuntime(tmp_path / "net.keras", trusted=True).load()


def test_subclassed_network_is_rejected_with_the_step_that_helps(keras, tmp_path):
    class Net(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    net = Net()
    net(ROWS)
    net.save(tmp_path / "net.keras")
    with keras.saving.custom_object_scope({"Net": Net}), pytest.raises(InvalidArtifact, match=r"a Net: .* model\.export"):
        KerasRuntime(tmp_path / "net.keras", trusted=True).load()


def test_tensorflow_functions_of_untrusted_archives_only_compute():
    layers = make_legacy_layers(allow_all=False)
    assert layers["TFOpLambda"](function="math.add").call(1.0, y=2.0) == 3
    for function in ("io.read_file", "py_function", "io.write_file", "saved_model.load"):
        with pytest.raises(ValueError, match="only computes"):
            layers["TFOpLambda"](function=function)


@pytest.mark.parametrize(
    ("class_name", "config", "expected"),
    [
        ("LSTM", {"units": 3, "time_major": False, "batch_input_shape": [None, 5, 1]}, {"units": 3}),
        ("LSTM", {"units": 3, "time_major": True}, {"units": 3, "time_major": True}),
        ("DepthwiseConv2D", {"kernel_size": [3, 3], "groups": 1}, {"kernel_size": [3, 3]}),
        ("BatchNormalization", {"axis": [3]}, {"axis": 3}),
        ("RandomFlip", {"mode": "horizontal", "rng_type": "stateful"}, {"mode": "horizontal"}),
        ("SpatialDropout1D", {"rate": 0.5, "trainable": True, "noise_shape": None}, {"rate": 0.5}),
        ("Dense", {"units": 3, "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}}, None),
        ("Dense", {"units": 3, "turbo": 5}, {"units": 3, "turbo": 5}),
    ],
)
def test_arguments_of_keras_2_are_upgraded(class_name, config, expected):
    upgraded = upgrade_config({"class_name": class_name, "config": config})["config"]
    assert upgraded == (expected or {"units": 3, "dtype": "mixed_float16"})


def test_random_crop_of_keras_2_resizes_new_images(keras):
    config = {"name": "crop", "trainable": True, "dtype": "float32", "height": 2, "width": 2, "seed": None}
    layer = {"module": "keras.layers", "class_name": "RandomCrop", "config": config, "registered_name": None}
    resizing = keras.saving.deserialize_keras_object(upgrade_config(layer))
    image = np.arange(24.0).reshape(1, 4, 6, 1)
    assert np.asarray(resizing(image)).ravel().tolist() == [4.5, 6.5, 16.5, 18.5]  # means of 2 x 2, of columns 1 to 4


@pytest.mark.parametrize(("class_name", "key"), [("Dense", "activation"), ("LSTM", "recurrent_activation")])
def test_hard_sigmoid_is_that_of_keras_2(keras, class_name, key):
    layer = {"module": "keras.layers", "class_name": class_name, "config": {"units": 3, key: "hard_sigmoid"}}
    loaded = keras.saving.deserialize_keras_object(upgrade_config(layer), custom_objects=make_legacy_layers(allow_all=False))
    function = getattr(loaded, key)
    assert np.asarray(function(np.array([-3.0, -1.0, 0.0, 2.0]))).tolist() == pytest.approx([0, 0.3, 0.5, 0.9])


def test_both_layers_of_bidirectional_have_the_activation_of_keras_2(keras):
    inner = {"module": "keras.layers", "class_name": "LSTM", "config": {"units": 3, "recurrent_activation": "hard_sigmoid"}}
    layer = {"module": "keras.layers", "class_name": "Bidirectional", "config": {"layer": inner}}
    loaded = keras.saving.deserialize_keras_object(upgrade_config(layer), custom_objects=make_legacy_layers(allow_all=False))
    functions = [part.recurrent_activation for part in (loaded.forward_layer, loaded.backward_layer)]
    assert [float(function(np.ones(1))[0]) for function in functions] == pytest.approx([0.7, 0.7])
