"""TensorFlow's SavedModel folders, called by their serving signature."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import one_by_one, runner, takes_one
from inference.types import AnyArray, ArtifactFacts, Run, Tensor

logger = logging.getLogger(__name__)

SIGNATURE = "serving_default"
# TensorFlow's names of types as NumPy's, and those that NumPy has not, as it is given them.
DTYPES = {"string": "str"}
OUTPUT_DTYPES = {**DTYPES, "bfloat16": "float32"}
# What TensorFlow and h5py raise on a file that lies.
UNLOADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, RuntimeError, MemoryError)


class SavedModelRuntime(BaseRuntime):
    """Load a folder with a `saved_model.pb` and call `serving_default`, or the only signature that it has.

    A SavedModel's graph may read and write files: it runs code of its author.
    """

    marker = "saved_model.pb"

    def load(self) -> Run:
        tf = import_tensorflow(self.threads)
        try:
            # Kept alive here: its variables die with it, though the signature still looks whole.
            self.model = tf.saved_model.load(str(self.path))
            function = self._signature(dict(self.model.signatures))
        except (*UNLOADABLE, tf.errors.OpError) as error:
            raise InvalidArtifact(f"TensorFlow {tf.__version__} cannot load {self.path.name}: {error}") from error
        inputs = sorted(function.structured_input_signature[1].items())
        self.inputs = tuple(input_of(name, spec.dtype.name, sizes_of(spec)) for name, spec in inputs)
        self.outputs = tuple(
            output_of(name, spec.dtype.name, sizes_of(spec)) for name, spec in sorted(function.structured_outputs.items())
        )
        self.version = str(getattr(self.model, "tensorflow_version", ""))
        alone = [takes_one(name, spec.shape[0]) for name, spec in inputs]

        def ask(arrays: list[AnyArray]) -> list[AnyArray]:
            given = {tensor.name: tf.constant(array) for tensor, array in zip(self.inputs, arrays, strict=True)}
            found = function(**given)
            return [to_array(found[tensor.name]) for tensor in self.outputs]

        run = runner(ask, self.inputs, [tensor.name for tensor in self.outputs])
        return one_by_one(run) if any(alone) else run

    def describe(self) -> ArtifactFacts:
        return ArtifactFacts(self.inputs, self.outputs, framework="tensorflow", framework_version=self.version)

    def _signature(self, found: dict[str, Any]) -> Any:
        if SIGNATURE in found:
            return found[SIGNATURE]
        if len(found) != 1:
            raise ValueError(f"expected a signature {SIGNATURE}, or only one; it has {sorted(found) or 'none'}")
        return next(iter(found.values()))


def import_tensorflow(threads: int) -> Any:
    """Import TensorFlow, quietly, and set its thread counts. They are the process's: the first model loaded decides."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    if threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError:
            logger.debug("TensorFlow runs already; its thread counts stay as they are")
    return tf


def sizes_of(spec: Any) -> tuple[int | None, ...] | None:
    """Return the sizes of a TensorSpec; None when even their number is open."""
    return None if spec.shape.rank is None else tuple(spec.shape)


def input_of(name: str, dtype: str, sizes: Sequence[int | None] | None) -> Tensor:
    """Return what is known of one input; its first dimension is the batch.

    Raises:
        InvalidArtifact: when it has none.
    """
    if not sizes:
        shape = "of any shape" if sizes is None else "a single value"
        raise InvalidArtifact(f"Expected the input {name} to have a batch dimension and a known rank. It is {shape}.")
    return Tensor(name, DTYPES.get(dtype, dtype), tuple(sizes[1:]))


def output_of(name: str, dtype: str, sizes: Sequence[int | None] | None) -> Tensor:
    """Return what is known of one output, as `to_array` gives it; of an open rank, only that its width is open."""
    return Tensor(name, OUTPUT_DTYPES.get(dtype, dtype), (None,) if sizes is None else tuple(sizes[1:]))


def to_array(tensor: Any) -> AnyArray:
    """Return a tensor as NumPy has it, its texts as such: TensorFlow's are bytes."""
    array: AnyArray = tensor.numpy()
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind != "O":
        return array
    return np.array([text.decode("utf-8", "replace") for text in array.ravel()], np.object_).reshape(array.shape)
