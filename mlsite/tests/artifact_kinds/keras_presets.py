"""Keras and scikit-learn models of images whose preprocessing is stated by a preset or in `model.toml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact
from mlsite.tests.artifact_kinds.pictures import (
    SIDE,
    Pixels,
    calibrate_gain,
    encode,
    list_expected,
    make_pictures,
    make_rgb_inputs,
    write_manifest,
)


def _build_caffe(folder: Path) -> BuiltArtifact:
    from keras.applications.resnet50 import preprocess_input

    def preprocess(path: Path) -> Pixels:
        import keras

        return preprocess_input(keras.utils.img_to_array(keras.utils.load_img(path, target_size=(SIDE, SIDE))))

    return _build_keras(folder, preprocess, 'preset = "keras-resnet50"\ninterpolation = "nearest"\n')


def _build_tensorflow_resize(folder: Path) -> BuiltArtifact:
    """Build a network whose images are resized by TensorFlow, as `image_dataset_from_directory` does."""

    def preprocess(path: Path) -> Pixels:
        import tensorflow as tf

        return tf.image.resize(tf.io.decode_png(path.read_bytes(), channels=3), (SIDE, SIDE)).numpy()

    return _build_keras(folder, preprocess, 'scale = "none"\nantialias = false\n')


def _build_keras(folder: Path, preprocess: Callable[[Path], Pixels], toml: str) -> BuiltArtifact:
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )
    inputs, arrays, path = make_rgb_inputs(), [], folder.parent / "input.png"
    for data in inputs:
        path.write_bytes(data)
        arrays.append(preprocess(path))
    weights, biases = network.get_layer("classes").get_weights()

    def compute_scores(gain: float) -> Pixels:
        network.get_layer("classes").set_weights([weights * gain, biases])
        return network.predict(np.stack(arrays), verbose=0)

    scores = calibrate_gain(compute_scores)
    network.save(folder / "model.keras")
    write_manifest(folder, "model.keras", toml)
    return BuiltArtifact(folder, inputs, list_expected(scores))


def _build_flat(folder: Path) -> BuiltArtifact:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    pixels = np.stack([image[..., 0] for image in make_pictures(1, size=(28, 28))])
    rows = pixels.reshape(len(pixels), -1) / 255
    network = LogisticRegression(C=0.05).fit(rows, ["cat", "dog", "eel", "cat", "dog"])
    skops.io.dump(network, folder / "model.skops")
    image_input = 'kind = "image"\nheight = 28\nwidth = 28\nchannels = 1\nscale = "unit"\n'
    (folder / "model.toml").write_text(f'artifact = "model.skops"\n[input]\n{image_input}')
    inputs = [encode(Image.fromarray(image)) for image in pixels]
    return BuiltArtifact(folder, inputs, list_expected(network.predict_proba(rows)))


KINDS = (
    ArtifactKind("Keras with caffe preprocessing", "size", "preset keras-resnet50, interpolation", _build_caffe),
    ArtifactKind("Keras with images resized by TensorFlow", "size", "scale none, antialias", _build_tensorflow_resize),
    ArtifactKind("scikit-learn of flattened images", "classes", "size, channels, and scale", _build_flat),
)
