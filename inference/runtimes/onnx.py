"""ONNX models, run by onnxruntime on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.native_output import import_quietly
from inference.runtimes.onnx_batch import find_batch_problem
from inference.runtimes.onnx_errors import explain_load_error
from inference.runtimes.onnx_graph import OnnxGraph
from inference.runtimes.onnx_metadata import describe_metadata
from inference.runtimes.onnx_outputs import OnnxOutput, describe_outputs, is_label_pairs, to_label_scores
from inference.tensors import RowByRow, make_batch_function, requires_single_rows
from inference.types import AnyArray, ArtifactMetadata, BatchFunction, Tensor

# NumPy dtypes by onnxruntime type name, https://onnxruntime.ai/docs/api/python/api_summary.html
DTYPES = {
    **{
        f"tensor({name})": name
        for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
    },
    **{"tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64", "tensor(string)": "str"},
}
IMAGE_RANK = 3  # dimensions of an image without the batch
# The folder in which a model that is loaded from memory finds external weights,
# https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
EXTERNAL_WEIGHTS_KEY = "session.model_external_initializers_file_folder_path"


class OnnxRuntime(BaseRuntime):
    """Load an `.onnx` file as data.

    A model can refer to other files that contain its weights. onnxruntime would open them next to the model or in the
    working directory, which contains secrets. The folder for external weights is therefore set to the artifact itself,
    which is a file, so that no other file can be opened.
    """

    suffixes = data_suffixes = (".onnx",)
    is_reentrant = True  # InferenceSession.run

    def load(self) -> BatchFunction:
        session = self._open_session()
        metadata = session.get_modelmeta()
        self.producer, self.properties = metadata.producer_name, metadata.custom_metadata_map
        self.inputs = tuple(_make_input(info) for info in session.get_inputs())
        self.outputs = tuple(_make_output(info) for info in session.get_outputs())
        single_rows = [requires_single_rows(info.name, info.shape[0]) for info in session.get_inputs()]
        run = make_batch_function(self._call_session, self.inputs, [tensor.name for tensor in self.outputs])
        return RowByRow(run) if any(single_rows) else run

    def _open_session(self) -> Any:
        onnxruntime: Any = import_quietly("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # Several threads would otherwise wait actively after each call: 1.9 ms of 2.2 ms CPU per image of the digits example
        # (2 threads, one image per 6 ms). One thread never waits.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # fatal only: onnxruntime also raises every error that it logs
        options.add_session_config_entry(EXTERNAL_WEIGHTS_KEY, str(self.path.resolve()))
        self.version = onnxruntime.__version__
        try:
            session = onnxruntime.InferenceSession(self.path.read_bytes(), options, providers=["CPUExecutionProvider"])
        # onnxruntime's exceptions have no common base class.
        except Exception as error:
            raise InvalidArtifact(explain_load_error(str(error), name=self.path.name, version=self.version)) from error
        self.session = session
        return session

    def describe(self) -> ArtifactMetadata:
        graph = OnnxGraph(self.path.read_bytes())
        found = describe_outputs(graph, self._call_session, self.inputs, self.outputs)
        if found == OnnxOutput():
            found = describe_metadata(self.properties, self.outputs)
        image: dict[str, Any] = {}
        notices = list(found.notices)
        operation = graph.find_pixel_operation(self.inputs[0].name) if len(self.inputs) == 1 else None
        if operation and len(self.inputs[0].shape) == IMAGE_RANK:
            image = operation.keys
            bits = f" with bits = {operation.bits}" if "bits" in image else ""
            notices.append(f"scale: {image['scale']}{bits}, because the ONNX graph begins with {operation.name}.")
        return ArtifactMetadata(
            self.inputs,
            self.outputs,
            labels=found.labels,
            output=found.output,
            image=image,
            notices=tuple(notices),
            activation="sigmoid" if len(self.outputs) == 1 and graph.ends_with_sigmoid(self.outputs[0].name) else "",
            framework=self.producer or "onnx",
            batch_problem=find_batch_problem(graph),
        )

    def _call_session(self, arrays: list[AnyArray]) -> list[AnyArray]:
        feed = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
        outputs = zip(self.outputs, self.session.run(None, feed), strict=True)
        return [_to_array(tensor, output, len(arrays[0])) for tensor, output in outputs]


def _make_input(info: Any) -> Tensor:
    if info.type not in DTYPES or not info.shape:
        raise InvalidArtifact(f"Inputs must be tensors with a batch dimension. {info.name} is {info.type}{info.shape}.")
    return Tensor(info.name, DTYPES[info.type], _make_shape(info.shape))


def _make_output(info: Any) -> Tensor:
    """Return an output. A sequence of mappings (ZipMap) is an array of one object per row."""
    shape: list[Any] = info.shape or []
    if is_label_pairs(shape):
        return Tensor(info.name, DTYPES.get(info.type, "object"), (shape[0],))
    return Tensor(info.name, DTYPES.get(info.type, "object"), _make_shape(shape))


def _make_shape(shape: Any) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) else None for size in shape[1:])


def _to_array(tensor: Tensor, output: Any, count: int) -> AnyArray:
    """Return an output with one row per input."""
    if isinstance(output, np.ndarray):
        return to_label_scores(output) if output.shape == (*tensor.shape, count, 2) else output
    if output and isinstance(output[0], np.ndarray):  # one array of pairs of scores per label
        stacked = np.stack(output)
        return to_label_scores(stacked) if stacked.shape[1:] == (count, 2) else np.moveaxis(stacked, 0, 1)
    return np.array(output, np.object_)
