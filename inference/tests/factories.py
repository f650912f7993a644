"""Builders of images, artifacts, metadata and predictors for tests.

Heavy libraries are imported inside functions, because tests of other packages and of library imports use this module.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from inference.errors import InferenceError, InvalidArtifact, InvalidSignature
from inference.pool import PredictorPool
from inference.predictor import Predictor
from inference.preprocessing import collate_items, read_features
from inference.runtimes import create_runtime, detect_runtime
from inference.signature import ImageInput, Signature
from inference.signature.infer import infer_signature
from inference.types import ArtifactMetadata, BatchOutput, ModelSpec, PredictionResult, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto

RAW_OUTPUT = {"kind": "raw"}


# Images


def make_image(shade: int = 0, *, size: tuple[int, int] = (16, 16), format: str = "PNG", **options: object) -> bytes:
    """Return an encoded grayscale image of a single shade."""
    out = BytesIO()
    Image.new("L", size, shade).save(out, format, **options)
    return out.getvalue()


def make_noise_image(seed: int, *, size: tuple[int, int] = (16, 16), format: str = "PNG") -> bytes:
    """Return an image of random noise that differs for every seed.

    Args:
        size: height and width.
    """
    out = BytesIO()
    values = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(values).save(out, format)
    return out.getvalue()


def make_16_bit_rgb_image(highest: int, *, side: int = 16) -> bytes:
    """Return a color PNG with 16 bits per channel, which Pillow cannot write: columns from black to a gray level."""
    levels = np.linspace(0, highest, side).astype(">u2").repeat(3).tobytes()
    header = struct.pack(">IIBBBBB", side, side, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress((b"\0" + levels) * side)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


# Metadata of artifacts and signature inference


def make_matrix_metadata(width: int | None = 2, dtype: str = "float32") -> ArtifactMetadata:
    return ArtifactMetadata(inputs=(Tensor("x", dtype, (width,)),))


def make_image_metadata(*shape: int | None, dtype: str = "float32") -> ArtifactMetadata:
    return ArtifactMetadata(inputs=(Tensor("image", dtype, shape),))


def make_column_metadata(**dtypes: str) -> ArtifactMetadata:
    return ArtifactMetadata(inputs=tuple(Tensor(name, dtype, (1,)) for name, dtype in dtypes.items()))


def make_output_metadata(*outputs: Any, labels: tuple[str, ...] = ()) -> ArtifactMetadata:
    tensors = tuple(Tensor(*output) for output in outputs)
    return ArtifactMetadata(inputs=make_matrix_metadata().inputs, outputs=tensors, labels=labels)


def infer_with_defaults(
    metadata: ArtifactMetadata, input: Any = None, output: Any = None, labels: Any = (), *, run: Any = None
) -> tuple[Signature, Any]:
    """Infer a signature from metadata and the optional sections of `model.toml`."""
    return infer_signature(metadata, declared_input=input or {}, declared_output=output or {}, labels=labels, run=run)[:2]


def assert_signature_error(
    metadata: ArtifactMetadata, message: str, input: Any = None, output: Any = None, labels: Any = ()
) -> None:
    with pytest.raises(InvalidSignature, match=re.escape(message)):
        infer_with_defaults(metadata, input, output, labels)


# Artifacts


def write_dummy_spec(folder: Path, *, runtime: str = "dummy", **behavior: object) -> ModelSpec:
    """Write a dummy artifact of a model `shades` that takes 8 x 8 grayscale images, and return its spec."""
    path = folder / "model.dummy.json"
    path.write_text(json.dumps({"classes": 2, **behavior}))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ModelSpec("shades", 1, runtime, path, digest, Signature(ImageInput(8, 8, 1)), ("dark", "light"))


def make_onnx_model(nodes: list[Any], inputs: Iterable[Any], outputs: Iterable[Any], **weights: Any) -> ModelProto:
    """Return an ONNX model with these nodes.

    Args:
        inputs, outputs: name, type and shape of each.
        weights: arrays by name, or tensors.
    """
    from onnx import TensorProto, helper, numpy_helper

    infos = [[helper.make_tensor_value_info(*info) for info in group] for group in (inputs, outputs)]
    tensors = [
        array if isinstance(array, TensorProto) else numpy_helper.from_array(array, name) for name, array in weights.items()
    ]
    graph = helper.make_graph(nodes, "g", *infos, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def make_doubling_model(batch: Any, width: Any = 4) -> ModelProto:
    """Return an ONNX model that doubles rows of numbers."""
    from onnx import TensorProto, helper

    inputs, outputs = ([[name, TensorProto.FLOAT, [batch, width]]] for name in "xy")
    return make_onnx_model([helper.make_node("Add", ["x", "x"], ["y"])], inputs, outputs)


def write_onnx(model: ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def run_onnx(path: Path, feed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of onnxruntime itself, by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip([info.name for info in session.get_outputs()], session.run(None, dict(feed)), strict=True))


# Predictors


@contextmanager
def serve_artifact(
    path: Path, *, trusted: bool = False, input: dict[str, Any] | None = None, output: Any = None, labels: Any = ()
) -> Iterator[Predictor]:
    """Load an artifact, infer its signature with the sections of `model.toml`, warm it up and yield the predictor."""
    name = detect_runtime(path)
    runtime = create_runtime(name, path, threads=1, trusted=trusted)
    run = runtime.load()
    signature, all_labels = infer_with_defaults(runtime.describe(), input, output, labels, run=run)
    predictor = Predictor(ModelSpec(path.name, 1, name, path, "", signature, all_labels, trusted), run)
    try:
        predictor.warm_up()
        yield predictor
    finally:
        predictor.close()


def assert_not_served(
    path: Path, message: str, error: type[InferenceError] = InvalidArtifact, *, trusted: bool = True, **options: Any
) -> str:
    """Check that serving an artifact fails with a message that matches a pattern. Return the message."""
    with pytest.raises(error, match=message) as caught, serve_artifact(path, trusted=trusted, **options):
        pass
    return caught.value.message


def predict_row(predictor: Predictor, features: Any) -> PredictionResult:
    return predictor.predict(read_features(features, predictor.spec.signature.input), timeout=60)


def run_batch(predictor: Predictor, items: Sequence[Any]) -> BatchOutput:
    """Run items as one batch without the queue, which could split them."""
    return predictor._run(collate_items(predictor.spec.signature.input, items))


def get_scores(result: PredictionResult) -> list[float]:
    return list(result.output["scores"].values())


def lease_predictor(pool: PredictorPool, spec: ModelSpec, **options: Any) -> Predictor:
    """Return the predictor of a spec after its lease has ended."""
    with pool.lease(spec, **options) as predictor:
        return predictor
