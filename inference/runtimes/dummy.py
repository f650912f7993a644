"""A model without a library, for trying mlsite out and for its tests: the artifact is a few lines of JSON."""

from __future__ import annotations

import json
import time

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.tensors import column
from inference.types import AnyArray, Array, ArtifactFacts, Batch, Run, Table, Tensor

BEHAVIOURS = {"classes", "fixed", "sleep", "fail", "nan", "sum"}


class DummyRuntime(BaseRuntime):
    """Answer by brightness: of `classes` equal steps from black to white, the image's mean is nearest to one.

    Of a table's row it is the mean of the features. The artifact, `NAME.dummy.json`, may ask for more: `fixed` (this answer
    to everything), `sum` (the sum of all values times this factor, as a value), `sleep` (seconds a batch), `fail` (raise
    this message), `nan` (answer NaN).
    """

    suffixes = data = (".dummy.json",)

    def load(self) -> Run:
        try:
            self.behaviour = json.loads(self.path.read_text())
        except ValueError as error:
            raise InvalidArtifact(f"Expected JSON in {self.path.name}: {error}") from error
        if not isinstance(self.behaviour, dict) or not self.behaviour.keys() <= BEHAVIOURS:
            raise InvalidArtifact(f"Expected an object with keys of {sorted(BEHAVIOURS)}. Received: {self.behaviour!r}")
        self.width = len(self.behaviour.get("fixed", ())) or int(self.behaviour.get("classes", 2))
        return self._run

    def describe(self) -> ArtifactFacts:
        width = 1 if "sum" in self.behaviour else self.width
        return ArtifactFacts(
            outputs=(Tensor("output", "float32", (width,)),),
            output={"kind": "value"} if "sum" in self.behaviour else {},
            framework="dummy",
            framework_version="1",
        )

    def _run(self, batch: Batch) -> Array:
        time.sleep(self.behaviour.get("sleep", 0))
        if "fail" in self.behaviour:
            raise RuntimeError(self.behaviour["fail"])
        if self.behaviour.get("nan"):
            return np.full((len(batch), self.width), np.nan, np.float32)
        if "fixed" in self.behaviour:
            return np.tile(np.float32(self.behaviour["fixed"]), (len(batch), 1))
        numbers = _numbers(batch)
        if "sum" in self.behaviour:
            sums: Array = (numbers.sum(axis=1, keepdims=True) * self.behaviour["sum"]).astype(np.float32)
            return sums
        steps = np.linspace(0, 1, self.width, dtype=np.float32)
        closeness = np.exp(-20 * np.abs(numbers.mean(axis=1, keepdims=True) - steps))
        shares: Array = (closeness / closeness.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares


def _numbers(batch: Batch) -> AnyArray:
    """Return one row of numbers per input; texts count by their length."""
    if not isinstance(batch, Table):
        return batch.reshape(len(batch), -1)
    columns = [batch.columns[one.name] for one in batch.features]
    return np.nan_to_num(
        np.column_stack(
            [
                column(one, values, texts=False) if one.type != "text" else [len(text or "") for text in values]
                for one, values in zip(batch.features, columns, strict=True)
            ]
        ).astype(np.float64)
    )
