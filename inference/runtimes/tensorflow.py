"""TensorFlow SavedModel folders, called through their serving signature."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.native_output import filter_native_output
from inference.runtimes.reasons import shorten_reason
from inference.runtimes.saved_model_graph import find_final_operation
from inference.tensors import RowByRow, make_batch_function, requires_single_rows
from inference.types import AnyArray, ArtifactMetadata, BatchFunction, Tensor

logger = logging.getLogger(__name__)

SIGNATURE_NAME = "serving_default"
KEY_NAME = "key"
# NumPy dtypes for TensorFlow types that have another name or do not exist in NumPy.
DTYPES = {"string": "str"}
OUTPUT_DTYPES = {**DTYPES, "bfloat16": "float32"}
# Exceptions of TensorFlow and h5py for a corrupt file.
LOAD_ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, RuntimeError, MemoryError)


class SavedModelRuntime(BaseRuntime):
    """Load a folder with a `saved_model.pb` and call `serving_default`, or the only signature.

    The graph of a SavedModel can read and write files, so loading it runs its author's code.
    """

    marker = "saved_model.pb"

    def load(self) -> BatchFunction:
        tf = import_tensorflow(self.threads)
        try:
            # Keep a reference: TensorFlow deletes the variables together with the model.
            self.model = tf.saved_model.load(str(self.path))
            self.signature_name = self._select_signature(dict(self.model.signatures))
            function = self.model.signatures[self.signature_name]
        except (*LOAD_ERRORS, tf.errors.OpError) as error:
            reason = shorten_reason(str(error))
            raise InvalidArtifact(f"TensorFlow {tf.__version__} cannot load {self.path.name}: {reason}") from error
        inputs = sorted(function.structured_input_signature[1].items())
        keys = _find_keys(inputs)
        inputs = [item for item in inputs if item[0] not in keys]
        self.inputs = tuple(make_input(name, spec.dtype.name, get_shape(spec)) for name, spec in inputs)
        self.outputs = tuple(
            make_output(name, spec.dtype.name, get_shape(spec))
            for name, spec in sorted(function.structured_outputs.items())
            if name not in keys
        )
        self.version = str(getattr(self.model, "tensorflow_version", ""))
        single_rows = [requires_single_rows(name, spec.shape[0]) for name, spec in inputs]

        def call_signature(arrays: list[AnyArray]) -> list[AnyArray]:
            arguments = {tensor.name: tf.constant(array) for tensor, array in zip(self.inputs, arrays, strict=True)}
            row_keys = tf.constant([str(index) for index in range(len(arrays[0]))])
            outputs = function(**arguments, **dict.fromkeys(keys, row_keys))
            return [to_array(outputs[tensor.name]) for tensor in self.outputs]

        run = make_batch_function(call_signature, self.inputs, [tensor.name for tensor in self.outputs])
        return RowByRow(run) if any(single_rows) else run

    def describe(self) -> ArtifactMetadata:
        takes_file = len(self.inputs) == 1 and self.inputs[0].dtype == "str" and self.inputs[0].shape in ((), (1,))
        return ArtifactMetadata(
            self.inputs,
            self.outputs,
            image={"encoding": "file", "scale": "none"} if takes_file else {},
            activation=self._find_activation(),
            framework="tensorflow",
            framework_version=self.version,
        )

    def _select_signature(self, signatures: dict[str, Any]) -> str:
        if SIGNATURE_NAME in signatures:
            return SIGNATURE_NAME
        names = [name for name in signatures if not name.startswith("__")]  # TensorFlow's own: __saved_model_init_op
        if len(names) != 1:
            example = f'model.signatures["{names[0]}"]' if names else "a tf.function with an input_signature"
            raise InvalidArtifact(
                f"{self.path.name} must have a signature {SIGNATURE_NAME} or a single signature. Received: "
                f"{sorted(names) or 'none'}. Save it again with the one to serve: model = tf.saved_model.load(folder); "
                f'tf.saved_model.save(model, new_folder, signatures={{"{SIGNATURE_NAME}": {example}}}).'
            )
        return names[0]

    def _find_activation(self) -> str:
        if len(self.outputs) != 1:
            return ""
        graph, output = self.path / self.marker, self.outputs[0].name
        is_sigmoid = find_final_operation(graph, signature=self.signature_name, output=output) == "Sigmoid"
        return "sigmoid" if is_sigmoid else ""


def _find_keys(inputs: list[tuple[str, Any]]) -> list[str]:
    """Return the name of the input that AutoML and Vertex AI use to number rows, next to the input for image files."""
    others = [spec for name, spec in inputs if name != KEY_NAME]
    has_key = any(name == KEY_NAME and spec.dtype.name == "string" for name, spec in inputs)
    return [KEY_NAME] if has_key and len(others) == 1 and others[0].dtype.name == "string" else []


def import_tensorflow(threads: int) -> Any:
    """Import TensorFlow without its log output, set its thread counts, and start it.

    The counts apply to the whole process, so the first model that is loaded determines them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with filter_native_output():
        import tensorflow as tf

        if threads:
            try:
                tf.config.threading.set_intra_op_parallelism_threads(threads)
                tf.config.threading.set_inter_op_parallelism_threads(1)
            except RuntimeError:
                logger.debug("TensorFlow is already running; its thread counts are unchanged")
        tf.config.list_logical_devices()  # starts TensorFlow, which looks for GPUs
    return tf


def get_shape(spec: Any) -> tuple[int | None, ...] | None:
    """Return the shape of a TensorSpec, or None if its rank is unknown."""
    return None if spec.shape.rank is None else tuple(spec.shape)


def make_input(name: str, dtype: str, shape: Sequence[int | None] | None) -> Tensor:
    """Return the tensor of one input. The first dimension is the batch.

    Raises:
        InvalidArtifact: there is no batch dimension.
    """
    if not shape:
        received = "a tensor of unknown rank" if shape is None else "a single value"
        raise InvalidArtifact(f"The input {name} must have a batch dimension and a known rank. Received: {received}.")
    return Tensor(name, DTYPES.get(dtype, dtype), tuple(shape[1:]))


def make_output(name: str, dtype: str, shape: Sequence[int | None] | None) -> Tensor:
    """Return the tensor of one output, with the dtype that `to_array` returns. An unknown rank has a variable width."""
    return Tensor(name, OUTPUT_DTYPES.get(dtype, dtype), (None,) if shape is None else tuple(shape[1:]))


def to_array(tensor: Any) -> AnyArray:
    """Return a tensor as a NumPy array, with TensorFlow's byte strings decoded to strings."""
    array: AnyArray = tensor.numpy()
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind != "O":
        return array
    return np.array([text.decode("utf-8", "replace") for text in array.ravel()], np.object_).reshape(array.shape)
