"""The predictors of this process: from a model spec to a predictor, loaded once, under a lock, while there is room."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter

from inference.artifacts import artifact_sha256
from inference.batching import CAPACITY, MAX_BATCH
from inference.errors import (
    ArtifactMismatch,
    InferenceError,
    InferenceTimeout,
    InvalidArtifact,
    ModelUnavailable,
    Overloaded,
)
from inference.predictor import Predictor
from inference.runtimes import load_artifact
from inference.types import ModelSpec

logger = logging.getLogger(__name__)

RETRY_AFTER = 5.0  # seconds before a model that did not load is tried again
FAILURE_HOLDS = 30.0  # seconds for which a failure is told when nobody has tried again
RECENTLY = 60.0  # seconds for which a model that was asked keeps its place from one that nobody has asked for yet
LOOK_AGAIN = 0.1  # seconds between looks for a predictor that has fallen idle
FOREVER = 10**6  # seconds


def load_predictor(spec: ModelSpec, *, threads: int = 0, max_batch: int = MAX_BATCH, capacity: int = CAPACITY) -> Predictor:
    """Verify, load and warm up one model version.

    Raises:
        ArtifactMismatch: before the first byte is parsed, when the file is not the registered one.
        ModelUnavailable: when the file is missing or does not load.
        ModelError: when the model's answer to a black image or a row of examples does not fit its signature.
    """
    started = perf_counter()
    verify_artifact(spec)
    try:
        _, run = load_artifact(spec.runtime, spec.path, threads=threads, trusted=spec.trusted)
    except InferenceError as error:
        # Why is for the operator, by the cause: it may name paths, and what comes with the artifact wrote it.
        raise ModelUnavailable(f"{spec} cannot be loaded.") from error
    predictor = Predictor(spec, run, max_batch=max_batch, capacity=capacity)
    try:
        predictor.warm_up()
    except InferenceError:
        predictor.close()
        raise
    logger.info("model loaded", extra={"model": str(spec), "load_ms": round((perf_counter() - started) * 1000)})
    return predictor


def verify_artifact(spec: ModelSpec) -> None:
    """Raise unless the artifact at `spec.path` has the registered sha256."""
    try:
        actual = artifact_sha256(spec.path)
    except (OSError, InferenceError) as error:
        raise ModelUnavailable(f"The artifact of {spec} cannot be read.") from error
    if actual != spec.sha256:
        cause = InvalidArtifact(f"Expected sha256 {spec.sha256}. Received: {actual}")
        raise ArtifactMismatch(f"The artifact of {spec} is not the registered file.") from cause


@dataclass(slots=True)
class _Entry:
    predictor: Predictor
    users: int = 0
    used_at: float = float("-inf")

    def is_answering(self) -> bool:
        return self.users > 0 or self.predictor.running_for() > 0


class PredictorPool:
    """Keep one predictor per model version. Threads that ask for a cold one wait while the first of them loads it.

    Where there is no room the least recently used goes, but never one that is answering.

    Args:
        load: makes a predictor; the tests count its calls.
        retry_after: seconds for which a failure is remembered.
        max_predictors: how many are kept at most; 0 for any number.
        max_bytes: of all their artifacts together, as they lie on the disk; 0 for any size.
    """

    def __init__(
        self,
        load: Callable[[ModelSpec], Predictor] = load_predictor,
        *,
        retry_after: float = RETRY_AFTER,
        max_predictors: int = 0,
        max_bytes: int = 0,
    ) -> None:
        self._load = load
        self._retry_after = retry_after
        self._max_predictors = max_predictors
        self._max_bytes = max_bytes
        self._entries: OrderedDict[ModelSpec, _Entry] = OrderedDict()  # the least recently used first
        self._coming: set[ModelSpec] = set()  # room is kept for these while they load
        self._failures: dict[ModelSpec, tuple[float, InferenceError]] = {}
        self._locks: dict[ModelSpec, threading.Lock] = {}
        self._lock = threading.Condition()

    @contextmanager
    def lease(self, spec: ModelSpec, *, timeout: float | None = None) -> Iterator[Predictor]:
        """Give the predictor of a model version, loading it when it is cold, and keep it loaded meanwhile.

        Args:
            timeout: seconds to wait for another thread that loads it, or for room; None for ever.

        Raises:
            ModelUnavailable: when it does not load; for some seconds the failure is remembered, then tried anew.
            InferenceTimeout: when another thread is still loading it.
            Overloaded: when there is no room and every other model is answering.
        """
        entry = self._take(spec, timeout)
        try:
            yield entry.predictor
        finally:
            self._give_back(entry, used_at=monotonic())

    def preload(self, spec: ModelSpec, *, keep: Collection[ModelSpec] = ()) -> bool:
        """Load a version before anybody asks; return False where that would cost one of `keep`, or one in use, its place.

        Raises:
            ModelUnavailable: when it does not load.
        """
        if spec in self._entries:
            return True
        try:
            entry = self._take(spec, None, keep=keep)
        except Overloaded:
            return False
        self._give_back(entry, used_at=entry.used_at)
        return True

    def is_loaded(self, spec: ModelSpec) -> bool:
        return spec in self._entries

    def failure_of(self, spec: ModelSpec) -> InferenceError | None:
        """Return why a version did not load when it was last tried, for a while; None when it has loaded since."""
        failed_at, failure = self._failures.get(spec, (0.0, None))
        return failure if monotonic() - failed_at < FAILURE_HOLDS else None

    def running_for(self) -> float:
        """Return for how many seconds the longest-running batch has been running; 0 when all are idle."""
        return max((entry.predictor.running_for() for entry in list(self._entries.values())), default=0.0)

    def close(self) -> None:
        """Forget every predictor; each ends once it has answered what is queued."""
        with self._lock:
            entries, self._entries = list(self._entries.values()), OrderedDict()
        for entry in entries:
            entry.predictor.close()

    def _take(self, spec: ModelSpec, timeout: float | None, *, keep: Collection[ModelSpec] | None = None) -> _Entry:
        if entry := self._use(spec):
            return entry
        deadline = monotonic() + (FOREVER if timeout is None else timeout)
        with self._lock:
            loading = self._locks.setdefault(spec, threading.Lock())
        if not loading.acquire(timeout=-1 if timeout is None else timeout):
            raise InferenceTimeout(f"{spec} is still being loaded. Try again in a moment.")
        try:
            return self._use(spec) or self._load_anew(spec, deadline, keep)
        finally:
            loading.release()

    def _use(self, spec: ModelSpec) -> _Entry | None:
        with self._lock:
            if entry := self._entries.get(spec):
                entry.users += 1
                self._entries.move_to_end(spec)
            return entry

    def _give_back(self, entry: _Entry, *, used_at: float) -> None:
        with self._lock:
            entry.users -= 1
            entry.used_at = used_at
            self._lock.notify_all()

    def _load_anew(self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None) -> _Entry:
        failed_at, failure = self._failures.get(spec, (0.0, None))
        if failure and monotonic() - failed_at < self._retry_after:
            raise type(failure)(failure.message) from failure.__cause__
        self._make_room(spec, deadline, keep)
        try:
            entry = _Entry(self._load(spec), users=1)
        except InferenceError as error:
            self._failures[spec] = (monotonic(), error)
            raise
        else:
            with self._lock:
                self._entries[spec] = entry
                self._failures.pop(spec, None)
            return entry
        finally:
            with self._lock:
                self._coming.discard(spec)

    def _make_room(self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None) -> None:
        """Let the least recently used go until the new one fits, waiting for one that falls idle.

        Args:
            keep: versions that must stay, and nobody is waited for; None when somebody wants an answer.
        """
        if self._max_bytes and spec.size > self._max_bytes:
            raise ModelUnavailable(
                f"{spec} is larger than all models together may be ({self._max_bytes:,} bytes). Received: {spec.size:,}"
            )
        gone: list[_Entry] = []
        try:
            self._wait_for_room(spec, deadline, keep, gone)
        finally:
            for entry in gone:
                entry.predictor.close()

    def _wait_for_room(
        self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None, gone: list[_Entry]
    ) -> None:
        with self._lock:
            while not self._fits(spec):
                idle = [one for one in self._entries if self._may_go(one, keep)]
                if idle and (keep is None or self._fits(spec, without=idle)):
                    gone.append(self._entries.pop(idle[0]))
                    logger.info("model unloaded", extra={"model": str(idle[0]), "for": str(spec)})
                elif keep is not None or not self._wait_a_little(deadline):
                    raise Overloaded(
                        f"There is no room to load {spec}: every other model is answering. Try again in a moment."
                    )
            self._coming.add(spec)

    def _wait_a_little(self, deadline: float) -> bool:
        """Wait for a predictor that falls idle; return whether there is time left to look again."""
        self._lock.wait(max(0.0, min(LOOK_AGAIN, deadline - monotonic())))
        return monotonic() < deadline

    def _may_go(self, spec: ModelSpec, keep: Collection[ModelSpec] | None) -> bool:
        entry = self._entries[spec]
        wanted = keep is not None and (spec in keep or monotonic() - entry.used_at < RECENTLY)
        return not wanted and not entry.is_answering()

    def _fits(self, spec: ModelSpec, *, without: Collection[ModelSpec] = ()) -> bool:
        held = [one for one in (*self._entries, *self._coming) if one not in without]
        count_fits = not self._max_predictors or len(held) < self._max_predictors
        return count_fits and (not self._max_bytes or sum(one.size for one in held) + spec.size <= self._max_bytes)
