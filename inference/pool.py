"""The predictors of one process. Each model version is loaded when it is first used."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import monotonic

from inference.errors import InferenceError, ModelLoading, ModelUnavailable, Overloaded
from inference.loader import load_predictor
from inference.loads import Entry, Load, copy_error
from inference.messages import format_bytes
from inference.predictor import Predictor
from inference.types import ModelSpec

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # until a failed load is retried
FAILURE_REPORT_SECONDS = 30.0  # for which a failed load is reported if it is not retried
RECENT_USE_SECONDS = 60.0  # after its last use, in which preloading does not evict a predictor
POLL_SECONDS = 0.1  # between checks for an idle predictor
MAX_WAIT_SECONDS = 10**6


class PredictorPool:
    """Keep one predictor per model version. A version is loaded once, in a thread of its own, and its callers wait for it.

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
        self._entries: OrderedDict[ModelSpec, Entry] = OrderedDict()  # least recently used first
        self._reserved: set[ModelSpec] = set()  # room is reserved for these, which are being loaded
        self._loads: dict[ModelSpec, Load] = {}
        self._failures: dict[ModelSpec, tuple[float, InferenceError]] = {}
        self._condition = threading.Condition()

    @contextmanager
    def lease(self, spec: ModelSpec, *, timeout: float | None = None) -> Iterator[Predictor]:
        """Yield the predictor of a model version and keep it loaded for the block. Load it first if necessary.

        Args:
            timeout: seconds to wait until it is loaded, including the wait for room; None for no limit.

        Raises:
            ModelUnavailable: it cannot be loaded. For some seconds, further calls raise the same error without a retry.
            ModelError: it fails on its sample input, likewise.
            ModelLoading: it is still being loaded, which continues.
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

    def start_load(self, spec: ModelSpec, *, seconds: float) -> bool:
        """Load a version. Return False if that is not done some seconds after it started, or if there is no room yet.

        A version that cannot be loaded is done: `lease` raises its error.
        """
        load = self._loads.get(spec)
        elapsed = monotonic() - load.started if load else 0.0
        try:
            entry = self._acquire_entry(spec, max(0.0, seconds - elapsed))
        except (ModelLoading, Overloaded):
            return False
        except InferenceError:
            return True
        self._release_entry(entry, used_at=entry.used_at)
        return True

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

    def _acquire_entry(self, spec: ModelSpec, timeout: float | None, *, keep: Collection[ModelSpec] | None = None) -> Entry:
        deadline = monotonic() + (MAX_WAIT_SECONDS if timeout is None else timeout)
        while True:
            with self._condition:
                if entry := self._entries.get(spec):
                    entry.users += 1
                    self._entries.move_to_end(spec)
                    return entry
                load, is_first = self._loads.get(spec), False
                if load is None:
                    self._raise_recent_failure(spec)
                    load, is_first = Load(monotonic()), True
                    self._loads[spec] = load
                load.waiting += 1
            if is_first:
                self._start_load(spec, load, deadline, keep)
            outcome = self._wait_for_load(load, deadline)
            if isinstance(outcome, Entry):
                return outcome
            if outcome is None:
                raise ModelLoading(f"{spec} is still loading. Try again in a moment.")
            if is_first or not isinstance(outcome, Overloaded) or monotonic() >= deadline:
                raise copy_error(outcome)
            # The caller that waited for room has given up. This one has time left.

    def _raise_recent_failure(self, spec: ModelSpec) -> None:
        failed_at, failure = self._failures.get(spec, (0.0, None))
        if failure and monotonic() - failed_at < self._retry_after:
            raise copy_error(failure)

    def _wait_for_load(self, load: Load, deadline: float) -> Entry | BaseException | None:
        with self._condition:
            self._condition.wait_for(lambda: load.outcome is not None, max(0.0, deadline - monotonic()))
            load.waiting -= 1
            return load.outcome

    def _release_entry(self, entry: Entry, *, used_at: float) -> None:
        with self._condition:
            entry.users -= 1
            entry.used_at = used_at
            self._condition.notify_all()

    def _start_load(self, spec: ModelSpec, load: Load, deadline: float, keep: Collection[ModelSpec] | None) -> None:
        """Reserve room in this thread, because that depends on the caller, and load the version in another one."""
        try:
            self._reserve_room(spec, deadline, keep)
            threading.Thread(target=self._run_load, args=(spec, load), name=f"load-{spec}", daemon=True).start()
        except BaseException as error:
            self._finish_load(spec, load, error)

    def _run_load(self, spec: ModelSpec, load: Load) -> None:
        try:
            entry = Entry(self._load(spec))
        except BaseException as error:  # every caller that waits must get it
            self._finish_load(spec, load, error)
        else:
            self._finish_load(spec, load, entry)

    def _finish_load(self, spec: ModelSpec, load: Load, outcome: Entry | BaseException) -> None:
        with self._condition:
            if isinstance(outcome, Entry):
                outcome.users = load.waiting
                self._entries[spec] = outcome
                self._failures.pop(spec, None)
            elif spec in self._reserved and isinstance(outcome, InferenceError):
                self._failures[spec] = (monotonic(), outcome)
            self._reserved.discard(spec)
            del self._loads[spec]
            load.outcome = outcome
            self._condition.notify_all()

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
        evicted: list[Entry] = []
        try:
            self._evict_idle(spec, deadline, keep, evicted)
        finally:
            for entry in evicted:
                entry.predictor.close()

    def _evict_idle(
        self, spec: ModelSpec, deadline: float, keep: Collection[ModelSpec] | None, evicted: list[Entry]
    ) -> None:
        with self._condition:
            while not self._has_room(spec):
                evictable = [candidate for candidate in self._entries if self._is_evictable(candidate, keep)]
                if evictable and (keep is None or self._has_room(spec, without=evictable)):
                    evicted.append(self._entries.pop(evictable[0]))
                    logger.info("model unloaded", extra={"model": str(evictable[0]), "for": str(spec)})
                elif keep is not None or not self._wait_for_release(deadline):
                    raise Overloaded(f"There is no room to load {spec}: all other models are busy. Try again in a moment.")
            self._reserved.add(spec)

    def _wait_for_release(self, deadline: float) -> bool:
        """Wait until a predictor may have become idle. Return whether there is time left to check again."""
        self._condition.wait(max(0.0, min(POLL_SECONDS, deadline - monotonic())))
        return monotonic() < deadline

    def _is_evictable(self, spec: ModelSpec, keep: Collection[ModelSpec] | None) -> bool:
        entry = self._entries[spec]
        is_protected = keep is not None and (spec in keep or monotonic() - entry.used_at < RECENT_USE_SECONDS)
        return not is_protected and not entry.is_busy()

    def _has_room(self, spec: ModelSpec, *, without: Collection[ModelSpec] = ()) -> bool:
        others = [other for other in (*self._entries, *self._reserved) if other not in without]
        count_fits = not self._max_predictors or len(others) < self._max_predictors
        return count_fits and (not self._max_bytes or sum(other.size for other in others) + spec.size <= self._max_bytes)
