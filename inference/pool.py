"""The predictors of this process: from a model spec to a predictor, loaded once, under a lock."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from inference.batching import CAPACITY, MAX_BATCH
from inference.errors import ArtifactMismatch, InferenceError, ModelUnavailable
from inference.predictor import Predictor
from inference.runtimes import get_runtime
from inference.types import ModelSpec

logger = logging.getLogger(__name__)

CHUNK = 2**20  # bytes


def load_predictor(spec: ModelSpec, *, threads: int = 0, max_batch: int = MAX_BATCH, capacity: int = CAPACITY) -> Predictor:
    """Verify, load and warm up one model version.

    Raises:
        ArtifactMismatch: before the first byte is parsed, when the file is not the registered one.
        ModelUnavailable: when the file is missing or does not load.
        ModelError: when the model's answer to a black image does not fit its signature.
    """
    started = perf_counter()
    verify_artifact(spec)
    try:
        run = get_runtime(spec.runtime)(spec.path, threads=threads).load()
    except InferenceError as error:
        raise ModelUnavailable(f"{spec} cannot be loaded: {error.message}") from error
    predictor = Predictor(spec, run, max_batch=max_batch, capacity=capacity)
    try:
        predictor.warm_up()
    except InferenceError:
        predictor.close()
        raise
    logger.info("model loaded", extra={"model": str(spec), "load_ms": round((perf_counter() - started) * 1000)})
    return predictor


def verify_artifact(spec: ModelSpec) -> None:
    """Raise unless the file at `spec.path` has the registered sha256."""
    try:
        actual = file_sha256(spec.path)
    except OSError as error:
        raise ModelUnavailable(f"The artifact of {spec} cannot be read. Register the version again.") from error
    if actual != spec.sha256:
        raise ArtifactMismatch(
            f"The artifact of {spec} is not the registered file. Expected sha256 {spec.sha256}. Received: {actual}"
        )


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class PredictorPool:
    """Keep one predictor per model version. Threads that ask for a cold one wait while the first of them loads it.

    Args:
        load: makes a predictor; the tests count its calls.
    """

    def __init__(self, load: Callable[[ModelSpec], Predictor] = load_predictor) -> None:
        self._load = load
        self._predictors: dict[ModelSpec, Predictor] = {}
        self._locks: dict[ModelSpec, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, spec: ModelSpec) -> Predictor:
        """Return the predictor of a model version, loading it when it is cold.

        Raises:
            ModelUnavailable: when it does not load; the next call tries again.
        """
        if found := self._predictors.get(spec):
            return found
        with self._lock:
            loading = self._locks.setdefault(spec, threading.Lock())
        with loading:
            if spec not in self._predictors:
                self._predictors[spec] = self._load(spec)
            return self._predictors[spec]

    def is_loaded(self, spec: ModelSpec) -> bool:
        return spec in self._predictors

    def running_for(self) -> float:
        """Return for how many seconds the longest-running batch has been running; 0 when all are idle."""
        return max((predictor.running_for() for predictor in list(self._predictors.values())), default=0.0)

    def close(self) -> None:
        """Forget every predictor; each ends once it has answered what is queued."""
        with self._lock:
            predictors, self._predictors = list(self._predictors.values()), {}
        for predictor in predictors:
            predictor.close()
