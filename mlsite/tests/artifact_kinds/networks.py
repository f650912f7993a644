"""Networks with unusual inputs: several dimensions, states, tokens, and values of 16-bit images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected
from mlsite.tests.artifact_kinds.pictures import encode, list_expected, make_pictures, write_manifest

SIDE = 20
STEPS = 6
LABEL_LINE = 'labels = ["cat", "dog", "eel"]\n'


def _make_rows(prefix: str, arrays: Any) -> list[dict[str, Any]]:
    return [{f"{prefix}{index}": value for index, value in enumerate(array.ravel().tolist())} for array in arrays]


def _make_deep_pictures(bits: int) -> Any:
    """Return grayscale pictures with values of this many bits, as an array of shape `(n, height, width)`."""
    pictures = np.stack(make_pictures(1, size=(SIDE, SIDE)))[..., 0].astype(np.uint16)
    return pictures * (2**bits // 256) + np.arange(len(pictures), dtype=np.uint16)[:, None, None]


def _make_dense(keras: Any, tensor: Any, **options: Any) -> Any:
    return keras.layers.Dense(3, activation="softmax", **options)(keras.layers.Flatten()(tensor))


def _build_deep_keras(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 1))
    network = keras.Model(image, _make_dense(keras, keras.layers.Rescaling(1 / 65535)(image)))
    network.save(folder / "scan.keras")
    (folder / "model.toml").write_text(f'artifact = "scan.keras"\n{LABEL_LINE}')
    pictures = _make_deep_pictures(16)
    scores = network.predict(pictures[..., None].astype(np.float32), verbose=0)
    return BuiltArtifact(folder, [encode(Image.fromarray(picture)) for picture in pictures], list_expected(scores))


def _save_onnx(path: Path, nodes: list[Any], inputs: list[Any], width: int, **weights: Any) -> Any:
    """Save a graph with the output `y`, and return a function that runs it."""
    import onnx
    import onnxruntime

    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", width])
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = onnx.helper.make_graph(nodes, "graph", inputs, [output], initializers)
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda **arrays: session.run(None, arrays)[0]


def _build_deep_onnx(folder: Path) -> BuiltArtifact:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["number", "highest"], ["unit"]),
        helper.make_node("Flatten", ["unit"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT16, ["N", 1, SIDE, SIDE])]
    kernel = np.random.default_rng(1).normal(0, 0.2, (SIDE * SIDE, 3)).astype(np.float32)
    run = _save_onnx(folder / "scan.onnx", nodes, inputs, 3, highest=np.float32(4095), kernel=kernel)
    (folder / "model.toml").write_text(f'artifact = "scan.onnx"\n{LABEL_LINE}')
    pictures = _make_deep_pictures(12)
    files = [encode(Image.fromarray(picture)) for picture in pictures]
    return BuiltArtifact(folder, files, list_expected(run(image=pictures[:, None])))


def _build_any_shape(folder: Path) -> BuiltArtifact:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["edges"], strides=[3, 3]),
        helper.make_node("Relu", ["edges"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Softmax", ["flat"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", "C", "H", "W"])]
    kernel = np.random.default_rng(2).normal(size=(3, 3, 5, 5)).astype(np.float32)
    run = _save_onnx(folder / "scene.onnx", nodes, inputs, 3, kernel=kernel)
    toml = f'scale = "unit"\nlayout = "channels-first"\nheight = {SIDE}\nwidth = {SIDE + 4}\n'
    write_manifest(folder, "scene.onnx", toml)
    pictures = np.stack(make_pictures(size=(SIDE + 4, SIDE)))
    pixels = (pictures / np.float32(255)).astype(np.float32).transpose(0, 3, 1, 2)
    files = [encode(Image.fromarray(picture)) for picture in pictures]
    return BuiltArtifact(folder, files, list_expected(run(image=pixels)))


def _build_tokens(folder: Path) -> BuiltArtifact:
    """Save a graph like those of language models, with token numbers and a mask of any length."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Gather", ["vectors", "ids"], ["tokens"]),
        helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
        helper.make_node("Mul", ["tokens", "column"], ["masked"]),
        helper.make_node("ReduceMean", ["masked"], ["y"], axes=[1], keepdims=0),
    ]
    names = ("ids", "mask")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["N", "steps"]) for name in names]
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(50, 3)).astype(np.float32)
    run = _save_onnx(folder / "text.onnx", nodes, inputs, 3, vectors=vectors, last=np.int64([2]))
    features = ", ".join(f'{{ name = "{name}_{index}" }}' for name in names for index in range(STEPS))
    output = '[output]\nactivation = "softmax"\n'
    (folder / "model.toml").write_text(f'artifact = "text.onnx"\n{LABEL_LINE}[input]\nfeatures = [{features}]\n{output}')
    ids, mask = rng.integers(0, 50, (5, STEPS)), np.tri(5, STEPS, 1).astype(np.int64)
    exponents = np.exp(run(ids=ids, mask=mask))
    rows = [left | right for left, right in zip(_make_rows("ids_", ids), _make_rows("mask_", mask), strict=True)]
    return BuiltArtifact(folder, rows, list_expected(exponents / exponents.sum(axis=1, keepdims=True)))


def _build_stateful(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    memory = keras.layers.LSTM(4, stateful=True)
    network = keras.Sequential([keras.Input(batch_shape=(1, STEPS, 1)), memory, keras.layers.Dense(1)])
    network.save(folder / "sensor.keras")
    series = np.random.default_rng(0).normal(size=(5, STEPS, 1)).astype(np.float32)
    expected = []
    for steps in series:
        memory.reset_states()
        expected.append(Expected(value=float(network.predict(steps[None], verbose=0)[0, 0])))
    return BuiltArtifact(folder / "sensor.keras", _make_rows("x", series), expected)


def _build_dictionary(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    inputs = {"photo": keras.Input((SIDE, SIDE, 3), name="image_layer"), "age": keras.Input((1,), name="number_layer")}
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs["photo"]))
    network = keras.Model(inputs, _make_dense(keras, keras.layers.Concatenate()([pixels, inputs["age"]])))
    network.save(folder / "person.keras")
    (folder / "model.toml").write_text(f'artifact = "person.keras"\n{LABEL_LINE}')
    pictures, ages = np.stack(make_pictures(size=(SIDE, SIDE))), np.float32([3, 0, -2, 1, 9])[:, None]
    scores = network.predict({"photo": pictures.astype(np.float32), "age": ages}, verbose=0)
    files = [encode(Image.fromarray(picture)) for picture in pictures]
    rows = [(file, {"age": float(age[0])}) for file, age in zip(files, ages, strict=True)]
    return BuiltArtifact(folder, rows, list_expected(scores))


def _build_any_size(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    resized = keras.layers.Resizing(SIDE, SIDE)(keras.layers.RandomFlip()(image))
    network = keras.Model(image, _make_dense(keras, keras.layers.Rescaling(1 / 255)(resized)))
    network.save(folder / "any.keras")
    (folder / "model.toml").write_text(f'artifact = "any.keras"\n{LABEL_LINE}')
    pictures = make_pictures()
    scores = [network.predict(picture[None].astype(np.float32), verbose=0)[0] for picture in pictures]
    return BuiltArtifact(folder, [encode(Image.fromarray(picture)) for picture in pictures], list_expected(scores))


def _build_tensor(folder: Path, *, shape: tuple[int, ...]) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    numbers = keras.Input(shape)
    network = keras.Model(numbers, _make_dense(keras, numbers))
    network.save(folder / "cube.keras")
    (folder / "model.toml").write_text(f'artifact = "cube.keras"\n{LABEL_LINE}[input]\nkind = "tabular"\n')
    arrays = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    return BuiltArtifact(folder, _make_rows("x", arrays), list_expected(network.predict(arrays, verbose=0)))


def _build_autoencoder(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    network = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers])
    network.save(folder / "noise.keras")
    (folder / "model.toml").write_text('artifact = "noise.keras"\n[output]\nkind = "raw"\n')
    pictures = np.stack(make_pictures(1, size=(SIDE, SIDE)))
    images = network.predict(pictures.astype(np.float32), verbose=0)
    files = [encode(Image.fromarray(picture[..., 0])) for picture in pictures]
    return BuiltArtifact(folder, files, [Expected(raw=image.tolist()) for image in images])


KERAS, ONNX = ("keras",), ("onnx",)
KINDS = (
    ArtifactKind("Keras of 16-bit images", "scale stored, bits 16, from the Rescaling", "labels", _build_deep_keras, KERAS),
    ArtifactKind("ONNX of 12-bit integers", "scale stored, bits 12, from the Div", "labels", _build_deep_onnx, ONNX),
    ArtifactKind("ONNX of images of any shape", "", "labels, size, layout, scale", _build_any_shape, ONNX),
    ArtifactKind("ONNX token numbers and mask", "types", "labels, features, activation", _build_tokens, ONNX),
    ArtifactKind("Keras, stateful LSTM", "empty state for each input", "", _build_stateful, KERAS),
    ArtifactKind("Keras, dictionary of inputs", "image and age, by key", "labels", _build_dictionary, KERAS),
    ArtifactKind("Keras, 4 channels", "x0 to x255", "kind", partial(_build_tensor, shape=(8, 8, 4)), KERAS),
    ArtifactKind("Keras, frames of a video", "x0 to x431", "kind", partial(_build_tensor, shape=(4, 6, 6, 3)), KERAS),
    ArtifactKind("Keras, images of any size", "size, from the Resizing", "labels", _build_any_size, KERAS),
    ArtifactKind("Keras autoencoder", "scale none", "kind raw", _build_autoencoder, KERAS),
)
