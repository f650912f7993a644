"""The predictors of one process. Each model version is loaded when it is first used."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from inference.errors import InferenceError, ModelLoading, ModelUnavailable, Overloaded
from inference.loader import load_predictor
from inference.messages import format_bytes
from inference.predictor import Predictor
from inference.types import ModelSpec

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # until a failed load is retried
FAILURE_REPORT_SECONDS = 30.0  # for which a failed load is reported if it is not retried
RECENT_USE_SECONDS = 60.0  # after its last use, in which preloading does not evict a predictor
POLL_SECONDS = 0.1  # between checks for an idle predictor
MAX_WAIT_SECONDS = 10**6


@dataclass(slots=True)
class _Entry:
    predictor: Predictor
    users: int = 0
    used_at: float = float("-inf")

    def is_busy(self) -> bool:
        return self.users > 0 or self.predictor.get_running_seconds() > 0


class PredictorPool:
    """Keep one predictor per model version. Threads that need the same unloaded version wait while one thread loads it.

    If there is no room, the pool unloads the least recently used predictor that is not running.

    Args:
        load: the function that creates a predictor.
        retry_after: seconds until a failed load is retried.
        max_predictors: maximum number of loaded predictors; 0 for no limit.
        max_bytes: maximum total size of their artifacts on disk; 0 for no limit.
    """

    def __init__(
        self,
        load: Callable[[ModelSpec], Predictor] = load_predictor,
        *,
        retry_after: float = RETRY_SECONDS,
        max_predictors: int = 0,
        max_bytes: int = 0,
    ) -> None:
        self._load = load
        self._retry_after = retry_after
        self._max_predictors = max_predictors
        self._max_bytes = max_bytes
        self._entries: OrderedDict[ModelSpec, _Entry] = OrderedDict()  # least recently used first
        self._loading: set[ModelSpec] = set()  # room is reserved for these
        self._failures: dict[ModelSpec, tuple[float, InferenceError]] = {}
        self._load_locks: dict[ModelSpec, threading.Lock] = {}
        self._condition = threading.Condition()

    @contextmanager
    def lease(self, spec: ModelSpec, *, timeout: float | None = None) -> Iterator[Predictor]:
        """Yield the predictor of a model version and keep it loaded for the block. Load it first if necessary.

        Args:
            timeout: seconds to wait for another thread that loads it, or for room; None for no limit.

        Raises:
            ModelUnavailable: it cannot be loaded. For some seconds, further calls raise the same error without a retry.
            ModelLoading: another thread is still loading it.
            Overloaded: there is no room, and all other models are running.
        """
        entry = self._acquire_entry(spec, timeout)
        try:
            yield entry.predictor
        finally:
            self._release_entry(entry, used_at=monotonic())

    def preload(self, spec: ModelSpec, *, keep: Collection[ModelSpec] = ()) -> bool:
        """Load a version before it is used. Return False if that would unload a version in `keep` or a version in use.

        Raises:
            ModelUnavailable: it cannot be loaded.
        """
        if spec in self._entries:
            return True
        try:
            entry = self._acquire_entry(spec, None, keep=keep)
        except Overloaded:
            return False
        self._release_entry(entry, used_at=entry.used_at)
        return True

    def is_loaded(self, spec: ModelSpec) -> bool:
        return spec in self._entries

    def get_failure(self, spec: ModelSpec) -> InferenceError | None:
        """Return the error of the last load of a version, or None if it is old or the version has loaded since."""
        failed_at, failure = self._failures.get(spec, (0.0, None))
        return failure if monotonic() - failed_at < FAILURE_REPORT_SECONDS else None

    def get_running_seconds(self) -> float:
        """Return how many seconds the longest-running batch has been running, or 0 if all predictors are idle."""
        return max((entry.predictor.get_running_seconds() for entry in list(self._entries.values())), default=0.0)

    def close(self) -> None:
        """Remove every predictor. Each one stops once it has processed its queue."""
        with self._condition:
            entries, self._entries = list(self._entries.values()), OrderedDict()
        for entry in entries:
            entry.predictor.close()

    def _acquire_entry(self, spec: ModelSpec, timeout: float | None, *, keep: Collection[ModelSpec] | None = None) -> _Entry:
        if entry := self._use_loaded(spec):
            return entry
        deadline = monotonic() + (MAX_WAIT_SECONDS if timeout is None else timeout)
        with self._condition:
            load_lock = self._load_locks.setdefault(spec, threading.Lock())
        if not load_lock.acquire(timeout=-1 if timeout is None else timeout):
            raise ModelLoading(f"{spec} is still loading. Try again in a moment.")
        try:
            return self._use_loaded(spec) or self._load_entry(spec, deadline, keep)
        finally:
            load_lock.release()

    def _use_loaded(self, spec: ModelSpec) -> _Entry | None:
        with self._condition:
            if entry := self._entries.get(spec):
                entry.users += 1
                self._entries.move_to_end(spec)
            return entry

    def _release_entry(self, entry: _Entry, *, used_at: float) -> None:
        with self._condition:
            entry.users -= 1
            entry.used_at = used_at
            self._condition.notify_all()

    def _load_entry(self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None) -> _Entry:
        failed_at, failure = self._failures.get(spec, (0.0, None))
        if failure and monotonic() - failed_at < self._retry_after:
            raise type(failure)(failure.message) from failure.__cause__
        self._reserve_room(spec, deadline, keep)
        try:
            entry = _Entry(self._load(spec), users=1)
        except InferenceError as error:
            self._failures[spec] = (monotonic(), error)
            raise
        else:
            with self._condition:
                self._entries[spec] = entry
                self._failures.pop(spec, None)
            return entry
        finally:
            with self._condition:
                self._loading.discard(spec)

    def _reserve_room(self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None) -> None:
        """Unload the least recently used predictors until the new one fits. Wait for busy ones to become idle.

        Args:
            keep: versions that must stay loaded; the call then does not wait. None when a request needs the version.
        """
        if self._max_bytes and spec.size > self._max_bytes:
            raise ModelUnavailable(
                f"{spec} is too large ({format_bytes(spec.size, round_up=True)}). "
                f"The limit for all loaded models together is {format_bytes(self._max_bytes)}."
            )
        evicted: list[_Entry] = []
        try:
            self._evict_idle(spec, deadline, keep, evicted)
        finally:
            for entry in evicted:
                entry.predictor.close()

    def _evict_idle(
        self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None, evicted: list[_Entry]
    ) -> None:
        with self._condition:
            while not self._has_room(spec):
                evictable = [candidate for candidate in self._entries if self._is_evictable(candidate, keep)]
                if evictable and (keep is None or self._has_room(spec, without=evictable)):
                    evicted.append(self._entries.pop(evictable[0]))
                    logger.info("model unloaded", extra={"model": str(evictable[0]), "for": str(spec)})
                elif keep is not None or not self._wait_for_release(deadline):
                    raise Overloaded(f"There is no room to load {spec}: all other models are busy. Try again in a moment.")
            self._loading.add(spec)

    def _wait_for_release(self, deadline: float) -> bool:
        """Wait until a predictor may have become idle. Return whether there is time left to check again."""
        self._condition.wait(max(0.0, min(POLL_SECONDS, deadline - monotonic())))
        return monotonic() < deadline

    def _is_evictable(self, spec: ModelSpec, keep: Collection[ModelSpec] | None) -> bool:
        entry = self._entries[spec]
        is_protected = keep is not None and (spec in keep or monotonic() - entry.used_at < RECENT_USE_SECONDS)
        return not is_protected and not entry.is_busy()

    def _has_room(self, spec: ModelSpec, *, without: Collection[ModelSpec] = ()) -> bool:
        others = [other for other in (*self._entries, *self._loading) if other not in without]
        count_fits = not self._max_predictors or len(others) < self._max_predictors
        return count_fits and (not self._max_bytes or sum(other.size for other in others) + spec.size <= self._max_bytes)
