"""gunicorn's master process, changed so that workers are replaced one by one, without a gap.

gunicorn stops the old workers at SIGHUP as soon as the new ones have started, before their models are loaded. It replaces a
worker that stops by itself only after this has exited, which takes as long as its slowest request.

This class overrides `manage_workers` and `reload` of gunicorn 27. mlsite/tests/test_arbiter.py fails if gunicorn changes
the methods and attributes that it relies on.
"""

from __future__ import annotations

import signal
from operator import attrgetter
from time import monotonic

from gunicorn.arbiter import Arbiter

from mlsite.handover import can_start_again, start_again
from mlsite.worker import BalancedThreadWorker, counts_descriptor, is_accepting

KILL_SECONDS = 5  # after the graceful timeout, when a worker that stops is killed


class RollingArbiter(Arbiter):
    """A master that stops a worker only if the others can serve its requests.

    Attributes:
        last_old_age: workers up to this age are replaced. gunicorn numbers them in the order of their start.
    """

    WORKERS: dict[int, BalancedThreadWorker]
    last_old_age = 0

    def manage_workers(self) -> None:
        """Keep the configured number of workers. Replace the old ones: start one, and stop an old one when it is warm."""
        self._note_stopping_workers()
        while True:
            active = sorted((each for each in self.WORKERS.values() if not each.stops_since), key=attrgetter("age"))
            old = [worker for worker in active if worker.age <= self.last_old_age]
            are_new_warm = all(map(is_accepting, active[len(old) :]))
            if len(active) < self.num_workers or (len(active) == self.num_workers and old and are_new_warm):
                self.spawn_worker()
            elif len(active) > self.num_workers and (are_new_warm or not old):
                self._stop_worker(active[0])
            else:
                break

    def reload(self) -> None:
        """Load the code and the settings again, and replace all workers one by one. If they are invalid, change nothing."""
        if counts_descriptor < 0:  # not on Linux: replace the workers only
            self.last_old_age = self.worker_age
        elif can_start_again(self):
            start_again(self)
        else:
            self.log.error("reload refused: the server would not start with its current code and settings")

    def _note_stopping_workers(self) -> None:
        """Find workers that stop by themselves, for example because a model hangs. Kill those that do not exit in time."""
        kill_before = monotonic() - self.cfg.graceful_timeout - KILL_SECONDS
        for pid, worker in list(self.WORKERS.items()):
            if is_accepting(worker):
                worker.has_accepted = True
            elif worker.has_accepted and not worker.stops_since:
                worker.stops_since = monotonic()
            if worker.stops_since and worker.stops_since < kill_before:
                self.kill_worker(pid, signal.SIGKILL)

    def _stop_worker(self, worker: BalancedThreadWorker) -> None:
        worker.stops_since = monotonic()
        self.kill_worker(worker.pid, signal.SIGTERM)
