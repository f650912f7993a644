"""Run background jobs. Each worker process has a scheduler, and only one worker at a time runs a job.

`settings.SCHEDULED_JOBS` lists the jobs: a dotted path of a function without arguments, and the seconds between two runs.
A file lock prevents the workers of a machine from running a job at the same time. It is released if a worker dies. Jobs
must also be safe to run twice, because several machines may share a database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from django.conf import settings
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string

from core.clocks import ClockWatch
from core.database_limits import use_job_limits
from core.file_locks import try_lock

logger = logging.getLogger(__name__)

CLOCK_CHECK_SECONDS = 5.0  # between two looks at the clock


class SteadyScheduler(BackgroundScheduler):
    """A scheduler that runs all jobs when the clock is set back. Otherwise, they would wait until it has caught up."""

    def _main_loop(self) -> None:
        clock, wait_seconds = ClockWatch(), 0.0
        while self.state != STATE_STOPPED:
            self._event.wait(min(wait_seconds, CLOCK_CHECK_SECONDS))
            self._event.clear()
            if clock.was_set_back():
                logger.warning("the clock was set back: all periodic jobs run now")
                for job in self.get_jobs():
                    job.modify(next_run_time=timezone.now())
            wait_seconds = self._process_jobs()


def start_scheduler() -> BackgroundScheduler:
    """Start a scheduler with all jobs in the settings. Each job runs immediately and then at its interval."""
    scheduler = SteadyScheduler(
        timezone="UTC",
        daemon=True,
        executors={"default": ThreadPoolExecutor(2)},  # so that a long rollup does not delay the sweeps
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for path, seconds in settings.SCHEDULED_JOBS.items():
        scheduler.add_job(run_job, "interval", args=[path], id=path, seconds=seconds, next_run_time=timezone.now())
    scheduler.start()
    return scheduler


def run_job(path: str) -> bool:
    """Run one job unless another process of this machine is running it. Return whether the job ran.

    A job that raises is logged by the scheduler and runs again at its next interval.
    """
    job: Callable[[], object] = import_string(path)
    with try_lock(path) as is_locked:
        if not is_locked:
            return False
        try:
            with use_job_limits():
                job()
        finally:
            connections.close_all()
    return True
