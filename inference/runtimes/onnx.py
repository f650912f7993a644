"""ONNX models, run by onnxruntime on the processor."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import one_by_one, runner, takes_one
from inference.types import AnyArray, ArtifactFacts, Run, Tensor

# onnxruntime's names of tensor types, https://onnxruntime.ai/docs/api/python/api_summary.html, as NumPy's.
DTYPES = {
    **{
        f"tensor({name})": name
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
    },
    **{"tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64", "tensor(string)": "str"},
}
# Where a model read from memory finds its weights in other files,
# https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


class OnnxRuntime(BaseRuntime):
    """Load an `.onnx` file as data.

    A model may name other files that hold its weights. onnxruntime would look for them beside the model, or in the
    working directory, where our secrets lie: it is told to look inside the artifact, which is no folder.
    """

    suffixes = data = (".onnx",)

    def load(self) -> Run:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # fatal only: what it logs of an error, it raises too
        options.add_session_config_entry(WEIGHTS_FOLDER, str(self.path.resolve()))
        self.version = onnxruntime.__version__
        try:
            session = onnxruntime.InferenceSession(self.path.read_bytes(), options, providers=["CPUExecutionProvider"])
        # onnxruntime's errors have no base of their own.
        except Exception as error:
            raise InvalidArtifact(self._explain(str(error))) from error
        self.producer = session.get_modelmeta().producer_name
        self.inputs = tuple(_input(one) for one in session.get_inputs())
        self.outputs = tuple(_output(one) for one in session.get_outputs())

        def ask(arrays: list[AnyArray]) -> list[AnyArray]:
            feed = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
            return [_array(part) for part in session.run(None, feed)]

        alone = [takes_one(one.name, one.shape[0]) for one in session.get_inputs()]
        run = runner(ask, self.inputs, [one.name for one in self.outputs])
        return one_by_one(run) if any(alone) else run

    def describe(self) -> ArtifactFacts:
        return ArtifactFacts(self.inputs, self.outputs, framework=self.producer or "onnx", framework_version="")

    def _explain(self, told: str) -> str:
        if re.search("external data|TensorProto", told, re.IGNORECASE):
            return (
                f"Expected all weights of {self.path.name} inside it; it names other files (external data), which are not "
                "opened. Save it as one file: onnx.save(onnx.load(path), path)."
            )
        return f"onnxruntime {self.version} cannot load {self.path.name}. Is it cut off, or no ONNX model? {told}"


def _input(found: Any) -> Tensor:
    if found.type not in DTYPES or not found.shape:
        raise InvalidArtifact(
            f"Expected inputs to be tensors with a batch dimension. {found.name} is {found.type}{found.shape}"
        )
    return Tensor(found.name, DTYPES[found.type], _sizes(found.shape))


def _output(found: Any) -> Tensor:
    """Return an output; a sequence of mappings (ZipMap) is one object a row."""
    return Tensor(found.name, DTYPES.get(found.type, "object"), _sizes(found.shape or ()))


def _sizes(shape: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape[1:])


def _array(part: Any) -> AnyArray:
    return part if isinstance(part, np.ndarray) else np.array(part, np.object_)
