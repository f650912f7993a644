"""The predictors of this process: from a model spec to a predictor, loaded once, under a lock."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, perf_counter

from inference.batching import CAPACITY, MAX_BATCH
from inference.errors import ArtifactMismatch, InferenceError, InferenceTimeout, ModelUnavailable
from inference.predictor import Predictor
from inference.runtimes import get_runtime
from inference.types import ModelSpec

logger = logging.getLogger(__name__)

CHUNK = 2**20  # bytes
RETRY_AFTER = 5.0  # seconds before a model that did not load is tried again


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
        retry_after: seconds for which a failure is remembered.
    """

    def __init__(self, load: Callable[[ModelSpec], Predictor] = load_predictor, *, retry_after: float = RETRY_AFTER) -> None:
        self._load = load
        self._retry_after = retry_after
        self._predictors: dict[ModelSpec, Predictor] = {}
        self._failures: dict[ModelSpec, tuple[float, InferenceError]] = {}
        self._locks: dict[ModelSpec, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, spec: ModelSpec, *, timeout: float | None = None) -> Predictor:
        """Return the predictor of a model version, loading it when it is cold.

        Args:
            timeout: seconds to wait while another thread is loading it; None for ever.

        Raises:
            ModelUnavailable: when it does not load; for some seconds the failure is remembered, then tried anew.
            InferenceTimeout: when another thread is still loading it.
        """
        if found := self._predictors.get(spec):
            return found
        with self._lock:
            loading = self._locks.setdefault(spec, threading.Lock())
        if not loading.acquire(timeout=-1 if timeout is None else timeout):
            raise InferenceTimeout(f"{spec} is still being loaded. Try again in a moment.")
        try:
            if spec not in self._predictors:
                self._predictors[spec] = self._load_anew(spec)
            return self._predictors[spec]
        finally:
            loading.release()

    def _load_anew(self, spec: ModelSpec) -> Predictor:
        failed_at, failure = self._failures.get(spec, (0.0, None))
        if failure and monotonic() - failed_at < self._retry_after:
            raise type(failure)(failure.message) from failure
        try:
            return self._load(spec)
        except InferenceError as error:
            self._failures[spec] = (monotonic(), error)
            raise

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
