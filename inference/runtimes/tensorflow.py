"""TensorFlow SavedModel folders, called through their serving signature."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import make_batch_function, make_row_by_row, requires_single_rows
from inference.types import AnyArray, ArtifactMetadata, BatchFunction, Tensor

logger = logging.getLogger(__name__)

SIGNATURE_NAME = "serving_default"
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
            function = self._select_signature(dict(self.model.signatures))
        except (*LOAD_ERRORS, tf.errors.OpError) as error:
            raise InvalidArtifact(f"TensorFlow {tf.__version__} cannot load {self.path.name}: {error}") from error
        inputs = sorted(function.structured_input_signature[1].items())
        self.inputs = tuple(make_input(name, spec.dtype.name, get_shape(spec)) for name, spec in inputs)
        self.outputs = tuple(
            make_output(name, spec.dtype.name, get_shape(spec)) for name, spec in sorted(function.structured_outputs.items())
        )
        self.version = str(getattr(self.model, "tensorflow_version", ""))
        single_rows = [requires_single_rows(name, spec.shape[0]) for name, spec in inputs]

        def call_signature(arrays: list[AnyArray]) -> list[AnyArray]:
            arguments = {tensor.name: tf.constant(array) for tensor, array in zip(self.inputs, arrays, strict=True)}
            outputs = function(**arguments)
            return [to_array(outputs[tensor.name]) for tensor in self.outputs]

        run = make_batch_function(call_signature, self.inputs, [tensor.name for tensor in self.outputs])
        return make_row_by_row(run) if any(single_rows) else run

    def describe(self) -> ArtifactMetadata:
        return ArtifactMetadata(self.inputs, self.outputs, framework="tensorflow", framework_version=self.version)

    def _select_signature(self, signatures: dict[str, Any]) -> Any:
        if SIGNATURE_NAME in signatures:
            return signatures[SIGNATURE_NAME]
        if len(signatures) != 1:
            raise ValueError(
                f"expected a signature {SIGNATURE_NAME} or a single signature. Received: {sorted(signatures) or 'none'}"
            )
        return next(iter(signatures.values()))


def import_tensorflow(threads: int) -> Any:
    """Import TensorFlow without log output and set its thread counts.

    The counts apply to the whole process, so the first model that is loaded determines them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            logger.debug("TensorFlow is already running; its thread counts are unchanged")
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
