"""TensorFlow's SavedModel folders, called by their serving signature."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import to_tensors
from inference.types import ArtifactFacts, Batch, Output, Run, Tensor

logger = logging.getLogger(__name__)

SIGNATURE = "serving_default"
# What TensorFlow and h5py raise on a file that lies.
UNLOADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, RuntimeError, MemoryError)


class SavedModelRuntime(BaseRuntime):
    """Load a folder with a `saved_model.pb` and call `serving_default`, or the only signature that it has.

    A SavedModel's graph may read and write files: it runs code of its author.
    """

    marker = "saved_model.pb"
    executing = (marker,)

    def load(self) -> Run:
        tf = import_tensorflow(self.threads)
        try:
            # Kept alive here: its variables die with it, though the signature still looks whole.
            self.model = tf.saved_model.load(str(self.path))
            function = self._signature(dict(self.model.signatures))
        except (*UNLOADABLE, tf.errors.OpError) as error:
            raise InvalidArtifact(f"TensorFlow {tf.__version__} cannot load {self.path.name}: {error}") from error
        self.inputs = _tensors(function.structured_input_signature[1])
        self.outputs = _tensors(function.structured_outputs)
        self.version = str(getattr(self.model, "tensorflow_version", ""))

        def run(batch: Batch) -> Output:
            arrays = to_tensors(batch, self.inputs)
            given = {tensor.name: tf.constant(array) for tensor, array in zip(self.inputs, arrays, strict=True)}
            found = function(**given)
            return unwrap({tensor.name: found[tensor.name].numpy() for tensor in self.outputs})

        return run

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


def tensor_of(name: str, dtype: str, shape: Any) -> Tensor:
    """Return what is known of one tensor of TensorFlow's; its first dimension is the batch.

    Raises:
        InvalidArtifact: when it has none.
    """
    sizes = tuple(shape)
    if not sizes:
        raise InvalidArtifact(f"Expected {name} to have a batch dimension. It is a single value.")
    return Tensor(name, "str" if dtype == "string" else dtype, sizes[1:])


def unwrap(outputs: Mapping[str, Any]) -> Output:
    """Return the only output bare, several by name."""
    return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _tensors(specs: Mapping[str, Any]) -> tuple[Tensor, ...]:
    return tuple(tensor_of(name, spec.dtype.name, spec.shape) for name, spec in sorted(specs.items()))
