"""SavedModels that decode image files themselves, and other signatures of TensorFlow."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

SIDE = 24
LABELS = ("night", "day", "dusk")


def make_files() -> list[bytes]:
    """Return JPEG and PNG files of several sizes, one with an orientation and one in grayscale."""
    rng = np.random.default_rng(8)
    files = []
    for index, (height, width) in enumerate([(40, 30), (24, 24), (31, 64), (50, 50), (33, 20)]):
        ramp = np.linspace(0, 255, width)[None, :, None] * np.array([1, 0.5, 0.1])
        pixels = (ramp + rng.integers(0, 40, (height, width, 3))).clip(0, 255).astype(np.uint8)
        image = Image.fromarray(pixels[..., 0] if index == 4 else pixels)
        exif = image.getexif()
        exif[0x0112] = 6 if index == 0 else 1  # rotated by 90 degrees
        out = BytesIO()
        image.save(out, "JPEG", quality=80, exif=exif) if index in (0, 3) else image.save(out, "PNG")
        files.append(out.getvalue())
    return files


def _make_module(*, with_key: bool) -> Any:
    """Return a module like the exports of TensorFlow Serving, or like those of AutoML with a key and names of labels."""
    import tensorflow as tf

    rng = np.random.default_rng(2)

    class Classifier(tf.Module):  # type: ignore[misc]  # tensorflow has no type hints
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(rng.normal(size=(SIDE * SIDE * 3, 3)), dtype=tf.float32)

        def decode(self, file: Any) -> Any:
            image = tf.io.decode_image(file, channels=3, expand_animations=False)
            return tf.image.resize(image, (SIDE, SIDE)) / 255

        def score(self, files: Any) -> Any:
            images = tf.map_fn(self.decode, files, fn_output_signature=tf.float32)
            return tf.nn.softmax(tf.reshape(images, (-1, SIDE * SIDE * 3)) @ self.kernel / 20)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def serve(self, image_bytes: Any) -> Any:
            return {"scores": self.score(image_bytes)}

        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, "image_bytes"), tf.TensorSpec([None], tf.string, "key")]
        )
        def serve_with_key(self, image_bytes: Any, key: Any) -> Any:
            scores = self.score(image_bytes)
            return {"scores": scores, "key": key, "labels": tf.tile(tf.constant([LABELS]), [tf.shape(scores)[0], 1])}

    module = Classifier()
    return module, module.serve_with_key if with_key else module.serve


def _build_file_classifier(folder: Path, *, with_key: bool) -> BuiltArtifact:
    import tensorflow as tf

    module, function = _make_module(with_key=with_key)
    other = tf.function(lambda x: {"y": x}, input_signature=[tf.TensorSpec([None, 2], name="x")])
    tf.saved_model.save(module, folder / "sky", signatures={"serving_default": function, "other": other})
    (folder / "labels.txt").write_text("\n".join(LABELS))
    files = make_files()
    scores = [module.score(tf.constant([file])).numpy()[0] for file in files]
    expected = [Expected(LABELS[row.argmax()], dict(zip(LABELS, map(float, row), strict=True))) for row in scores]
    return BuiltArtifact(folder / "sky", files, expected, {"trusted": True, "labels": folder / "labels.txt"})


def _build_rules(folder: Path) -> BuiltArtifact:
    """Save a module with integer, boolean, and text columns, of which only the batch size 1 is allowed."""
    import tensorflow as tf

    module = tf.Module()
    specs = [
        tf.TensorSpec([1], tf.int64, "age"),
        tf.TensorSpec([1], tf.bool, "member"),
        tf.TensorSpec([1], tf.string, "city"),
    ]

    def price(age: Any, member: Any, city: Any) -> Any:
        base = tf.cast(age, tf.float32) * tf.where(member, 0.5, 1.25)
        return {"price": base + tf.cast(tf.strings.length(city), tf.float32)}

    function = tf.function(price, input_signature=specs)
    tf.saved_model.save(module, folder / "rules", signatures={"price": function})
    rows = [
        {"age": 31, "member": True, "city": "Bern"},
        {"age": 2**40 + 1, "member": False, "city": "Chur"},
        {"age": 0, "member": False, "city": ""},
        {"age": -7, "member": True, "city": "Genf am See"},
    ]
    expected = [
        Expected(value=float(function(*(tf.constant([row[spec.name]], spec.dtype) for spec in specs))["price"][0]))
        for row in rows
    ]
    return BuiltArtifact(folder / "rules", rows, expected, {"trusted": True})


KINDS = (
    ArtifactKind("SavedModel of image files", "encoding file", "trusted", partial(_build_file_classifier, with_key=False)),
    ArtifactKind("SavedModel of AutoML", "encoding, key", "trusted", partial(_build_file_classifier, with_key=True)),
    ArtifactKind("SavedModel of a batch size of 1", "single rows", "trusted", _build_rules),
)
