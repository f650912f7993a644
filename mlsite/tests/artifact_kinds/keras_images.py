"""Keras networks of images: the scale comes from their first layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

SIDE = 32
LABELS = ("dog", "cat", "owl")
Steps = Callable[[Any, Any], Any]
"""A function of the module `keras` and the input tensor that returns the tensor after the first layers."""


def make_pixels() -> np.ndarray:
    """Return five images of 0 to 255 whose channels, rows, and brightness differ."""
    rng = np.random.default_rng(5)
    brightness = np.float32([0.2, 0.5, 0.8, 1, 1])[:, None, None, None]
    pixels = rng.integers(0, 256, (5, SIDE, SIDE, 3)) * brightness * np.float32([1, 0.6, 0.2])
    pixels[3, : SIDE // 2] = 0
    return pixels.astype(np.uint8)


def encode_png(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def make_network(first_layers: Steps) -> Any:
    """Return a network that begins with these layers, and whose scores depend strongly on the range of its pixels."""
    import keras

    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 3))
    features = keras.layers.Conv2D(4, 5, strides=3, activation="tanh")(first_layers(keras, image))
    scores = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(features))
    return keras.Model(image, scores)


def predict_scores(model: Any, pixels: Any, labels: Sequence[str] = LABELS) -> list[Expected]:
    scores = model.predict(np.asarray(pixels, np.float32), verbose=0)
    return [Expected(labels[row.argmax()], dict(zip(labels, map(float, row), strict=True))) for row in scores]


def write_labels(folder: Path, lines: Sequence[str] = LABELS) -> dict[str, Any]:
    (folder / "labels.txt").write_text("\n".join(lines))
    return {"labels": folder / "labels.txt"}


def _build(
    folder: Path,
    *,
    first_layers: Steps,
    scale: float = 1.0,
    saved_suffix: str = ".keras",
    name: str = "network.keras",
    **options: Any,
) -> BuiltArtifact:
    """Save a network. Its own preprocessing takes pixels of 0 to 255 divided by `scale`."""
    model = make_network(first_layers)
    saved = folder / f"saved{saved_suffix}"
    model.save(saved)
    saved.rename(folder / name)
    pixels = make_pixels()
    expected = predict_scores(model, pixels / np.float32(scale))
    return BuiltArtifact(
        folder / name, [encode_png(image) for image in pixels], expected, {**write_labels(folder), **options}
    )


def _begin_with_rescaling(keras: Any, image: Any) -> Any:
    augmentation = keras.Sequential([keras.layers.RandomFlip(), keras.layers.RandomRotation(0.2)])
    return keras.layers.Rescaling(1 / 255)(keras.layers.Resizing(24, 24)(augmentation(image)))


def _begin_with_double(keras: Any, image: Any) -> Any:
    return keras.layers.Rescaling(2.0, offset=-1.0)(image)


def _begin_with_normalization(keras: Any, image: Any) -> Any:
    layer = keras.layers.Normalization()
    layer.adapt(make_pixels().astype(np.float32))
    return layer(image)


def _begin_with_nested_resnet(keras: Any, image: Any) -> Any:
    inner = keras.Input((SIDE, SIDE, 3))
    normalized = keras.applications.resnet50.preprocess_input(inner)
    return keras.Model(inner, keras.ops.tanh(normalized / 50))(keras.layers.Dropout(0.5)(image))


def _begin_with_mobilenet(keras: Any, image: Any) -> Any:
    return keras.applications.mobilenet_v2.preprocess_input(image)


def _begin_with_densenet(keras: Any, image: Any) -> Any:
    return keras.applications.densenet.preprocess_input(image)


def _begin_with_lambda(keras: Any, image: Any) -> Any:
    layer = keras.layers.Lambda(lambda x: x * 2 - 1, output_shape=(SIDE, SIDE, 3))
    return layer(keras.layers.Rescaling(1 / 255)(image))


def _begin_with_efficientnet(keras: Any, image: Any) -> Any:
    """Begin with the three layers of EfficientNet, which `include_preprocessing` adds to MobileNetV3 and ConvNeXt too."""
    normalization = keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.229**2, 0.224**2, 0.225**2])
    factors = [1 / 0.229**0.5, 1 / 0.224**0.5, 1 / 0.225**0.5]
    scaled = normalization(keras.layers.Rescaling(1 / 255)(image))
    return keras.layers.Rescaling(factors)(keras.layers.ZeroPadding2D(1)(scaled))


def _list_kinds() -> list[ArtifactKind]:
    rows: list[tuple[str, str, str, Callable[[Path], BuiltArtifact]]] = [
        ("Keras, Rescaling after augmentation", "scale none", "", partial(_build, first_layers=_begin_with_rescaling)),
        ("Keras, Rescaling of 0 to 1", "scale unit", "", partial(_build, first_layers=_begin_with_double, scale=255)),
        ("Keras, Normalization", "scale none", "", partial(_build, first_layers=_begin_with_normalization)),
        (
            "Keras, nested preprocess_input of ResNet",
            "scale none",
            "",
            partial(_build, first_layers=_begin_with_nested_resnet),
        ),
        ("Keras, preprocess_input of MobileNetV2", "scale none", "", partial(_build, first_layers=_begin_with_mobilenet)),
        ("Keras, preprocess_input of DenseNet", "scale none", "", partial(_build, first_layers=_begin_with_densenet)),
        ("Keras, preprocessing of EfficientNet", "scale none", "", partial(_build, first_layers=_begin_with_efficientnet)),
        (
            "Keras, Rescaling and Lambda",
            "scale none",
            "trusted",
            partial(_build, first_layers=_begin_with_lambda, trusted=True),
        ),
        ("Keras archive named .h5", "format", "", partial(_build, first_layers=_begin_with_rescaling, name="network.h5")),
        (
            "HDF5 named .keras",
            "format, scale none",
            "trusted",
            partial(_build, first_layers=_begin_with_rescaling, saved_suffix=".h5", trusted=True),
        ),
    ]
    return [ArtifactKind(*row) for row in rows]


KINDS = tuple(_list_kinds())
