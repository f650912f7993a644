"""A runtime for tests that needs no library. Its artifact is a small JSON file."""

from __future__ import annotations

import json
import time

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import encode_column
from inference.types import AnyArray, Array, ArtifactMetadata, Batch, BatchFunction, ImageTable, Table, Tensor

BEHAVIOR_KEYS = {"classes", "fixed", "load_sleep", "sleep", "fail", "nan", "sum"}


class DummyRuntime(BaseRuntime):
    """Classify images by brightness. Each class is a step from black to white; the step closest to the mean is predicted.

    A row of features is classified by the mean of its values. The artifact, `NAME.dummy.json`, can contain these keys:

    - `classes`: number of steps.
    - `fixed`: return these scores for every input.
    - `sum`: return the sum of all values times this factor, as a value.
    - `load_sleep`: wait this many seconds while the model loads.
    - `sleep`: wait this many seconds per batch.
    - `fail`: raise an exception with this message.
    - `nan`: return NaN.
    """

    suffixes = data_suffixes = (".dummy.json",)

    def load(self) -> BatchFunction:
        try:
            self.behavior = json.loads(self.path.read_text())
        except ValueError as error:
            raise InvalidArtifact(f"Expected JSON in {self.path.name}: {error}") from error
        if not isinstance(self.behavior, dict) or not self.behavior.keys() <= BEHAVIOR_KEYS:
            raise InvalidArtifact(f"Expected an object with keys of {sorted(BEHAVIOR_KEYS)}. Received: {self.behavior!r}")
        time.sleep(self.behavior.get("load_sleep", 0))
        self.width = len(self.behavior.get("fixed", ())) or int(self.behavior.get("classes", 2))
        return self._run_batch

    def describe(self) -> ArtifactMetadata:
        width = 1 if "sum" in self.behavior else self.width
        return ArtifactMetadata(
            outputs=(Tensor("output", "float32", (width,)),),
            output={"kind": "value"} if "sum" in self.behavior else {},
            framework="dummy",
            framework_version="1",
        )

    def _run_batch(self, batch: Batch) -> Array:
        time.sleep(self.behavior.get("sleep", 0))
        if "fail" in self.behavior:
            raise RuntimeError(self.behavior["fail"])
        if self.behavior.get("nan"):
            return np.full((len(batch), self.width), np.nan, np.float32)
        if "fixed" in self.behavior:
            return np.tile(np.float32(self.behavior["fixed"]), (len(batch), 1))
        numbers = _to_numbers(batch)
        if "sum" in self.behavior:
            sums: Array = (numbers.sum(axis=1, keepdims=True) * self.behavior["sum"]).astype(np.float32)
            return sums
        steps = np.linspace(0, 1, self.width, dtype=np.float32)
        closeness = np.exp(-20 * np.abs(numbers.mean(axis=1, keepdims=True) - steps))
        shares: Array = (closeness / closeness.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def _to_numbers(batch: Batch) -> AnyArray:
    """Return one row of numbers per input. Text is represented by its length."""
    if isinstance(batch, ImageTable):
        return np.hstack([_to_numbers(batch.images), _to_numbers(batch.table)])
    if not isinstance(batch, Table):
        return batch.reshape(len(batch), -1)
    columns = [batch.columns[feature.name] for feature in batch.features]
    return np.nan_to_num(
        np.column_stack(
            [
                encode_column(feature, values, as_text=False)
                if feature.type != "text"
                else [len(text or "") for text in values]
                for feature, values in zip(batch.features, columns, strict=True)
            ]
        ).astype(np.float64)
    )
