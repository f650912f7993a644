"""ONNX models, run by onnxruntime on the processor."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import to_tensors
from inference.types import AnyArray, ArtifactFacts, Batch, Output, Run, Tensor

# onnxruntime's names of tensor types, https://onnxruntime.ai/docs/api/python/api_summary.html, as NumPy's.
DTYPES = {
    **{
        f"tensor({name})": name
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
    },
    **{"tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64", "tensor(string)": "str"},
}


class OnnxRuntime(BaseRuntime):
    """Load an `.onnx` file as data.

    It is read into memory first: weights in other files, which the model could name anywhere on the disk, are not opened.
    """

    suffixes = (".onnx",)

    def load(self) -> Run:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only
        self.version = onnxruntime.__version__
        try:
            session = onnxruntime.InferenceSession(self.path.read_bytes(), options, providers=["CPUExecutionProvider"])
        # onnxruntime's errors have no base of their own.
        except Exception as error:
            raise InvalidArtifact(f"onnxruntime {self.version} cannot load {self.path.name}: {error}") from error
        self.producer = session.get_modelmeta().producer_name
        self.inputs = tuple(_input(one) for one in session.get_inputs())
        self.outputs = tuple(_output(one) for one in session.get_outputs())
        one_by_one = any(one.shape[0] == 1 for one in session.get_inputs())

        def run(batch: Batch) -> Output:
            arrays = to_tensors(batch, self.inputs)
            feed = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
            if not one_by_one:
                return self._named(session.run(None, feed))
            answers = [
                session.run(None, {name: array[n : n + 1] for name, array in feed.items()}) for n in range(len(batch))
            ]
            return self._named([_joined(parts) for parts in zip(*answers, strict=True)])

        return run

    def describe(self) -> ArtifactFacts:
        return ArtifactFacts(self.inputs, self.outputs, framework=self.producer or "onnx", framework_version="")

    def _named(self, found: list[Any]) -> Output:
        arrays = [part if isinstance(part, np.ndarray) else np.array(part, np.object_) for part in found]
        return arrays[0] if len(arrays) == 1 else dict(zip([one.name for one in self.outputs], arrays, strict=True))


def _input(found: Any) -> Tensor:
    if found.type not in DTYPES or not found.shape:
        raise InvalidArtifact(
            f"Expected inputs to be tensors with a batch dimension. {found.name} is {found.type}{found.shape}"
        )
    if isinstance(found.shape[0], int) and found.shape[0] > 1:
        raise InvalidArtifact(
            f"Expected a free batch size, or 1. {found.name} takes {found.shape[0]} at once; "
            "export the model with a dynamic axis."
        )
    return Tensor(found.name, DTYPES[found.type], _sizes(found.shape))


def _output(found: Any) -> Tensor:
    """Return an output; a sequence of mappings (ZipMap) is one object a row."""
    return Tensor(found.name, DTYPES.get(found.type, "object"), _sizes(found.shape or ()))


def _sizes(shape: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape[1:])


def _joined(parts: tuple[Any, ...]) -> AnyArray | list[Any]:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return [item for part in parts for item in part]
