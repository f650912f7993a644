"""A model without a library, for trying mlsite out and for its tests: the artifact is a few lines of JSON."""

from __future__ import annotations

import json
import time

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.types import Array, ArtifactFacts, Run

BEHAVIOURS = {"classes", "fixed", "sleep", "fail", "nan"}


class DummyRuntime(BaseRuntime):
    """Answer by brightness: of `classes` equal steps from black to white, the image's mean is nearest to one.

    The artifact, `NAME.dummy.json`, may ask for more: `fixed` (these scores for every image), `sleep` (seconds a batch),
    `fail` (raise this message), `nan` (answer NaN).
    """

    suffixes = (".dummy.json",)

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
        return ArtifactFacts(output_width=self.width, framework="dummy", framework_version="1")

    def _run(self, batch: Array) -> Array:
        time.sleep(self.behaviour.get("sleep", 0))
        if "fail" in self.behaviour:
            raise RuntimeError(self.behaviour["fail"])
        if self.behaviour.get("nan"):
            return np.full((len(batch), self.width), np.nan, np.float32)
        if "fixed" in self.behaviour:
            return np.tile(np.float32(self.behaviour["fixed"]), (len(batch), 1))
        means = batch.reshape(len(batch), -1).mean(axis=1, keepdims=True)
        steps = np.linspace(0, 1, self.width, dtype=np.float32)
        closeness = np.exp(-20 * np.abs(means - steps))
        shares: Array = (closeness / closeness.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares
