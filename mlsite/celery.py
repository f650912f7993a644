"""Celery: workers on any number of machines run the background tasks. Only imported if CELERY_BROKER_URL is set.

    celery -A mlsite worker
    celery -A mlsite beat

A message is only a hint to look at a row. There are no results, because tasks store theirs in the tables of the site.
Messages are acknowledged after the task, so that the broker delivers those of a killed worker again.

A worker that loses its broker finishes its tasks and then replaces itself with a new process, which connects again. In tests
with Celery 5.7, workers that connected again themselves sometimes got no more messages (RabbitMQ) or stopped (Redis).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from time import monotonic
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")

from celery import Celery, signals
from celery.beat import Scheduler, SchedulingError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue
from kombu.exceptions import OperationalError

from core.clocks import ClockWatch
from core.tasks import load_tasks, run_task, stopping
from mlsite.scheduler import run_job

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
RESPONSE_SECONDS = 3.0
RECONNECT_SECONDS = 5.0  # after an error. Tasks are dropped meanwhile, and the sweep enqueues them again
RESTART_SECONDS = 1.0
PARENT_CHECK_SECONDS = 1.0
MIN_EXPIRY_SECONDS = 60  # of the message of a periodic job; workers that are busy get it late
REDELIVERY_SECONDS = 3600  # Redis only: messages of a killed worker. The sweep enqueues their tasks earlier
# Periodic jobs have a queue of their own. Behind many tasks, their messages would always expire.
TASK_QUEUE, JOB_QUEUE = "mlsite", "mlsite-jobs"
POOLS = ("celery.concurrency.thread", "celery.concurrency.solo")
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}

if not settings.CELERY_BROKER_URL:
    raise ImproperlyConfigured("Celery needs a broker. Set CELERY_BROKER_URL, or start only the web server.")

app = Celery("mlsite", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    accept_content=["json"],
    beat_schedule={
        path: {
            "task": "mlsite.run_job",
            "schedule": seconds,
            "args": [path],
            "options": {"expires": max(seconds, MIN_EXPIRY_SECONDS)},
        }
        for path, seconds in settings.SCHEDULED_JOBS.items()
    },
    beat_scheduler="mlsite.celery:PromptScheduler",
    broker_connection_max_retries=None,  # workers try for ever
    broker_connection_retry=False,  # see above
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=CONNECT_SECONDS,
    broker_transport_options=RETRY_POLICY
    | (
        {
            "visibility_timeout": REDELIVERY_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": RESPONSE_SECONDS,
            "socket_keepalive": True,
        }
        if settings.CELERY_BROKER_URL.startswith(("redis", "sentinel"))
        else {"write_timeout": RESPONSE_SECONDS}
    ),
    task_acks_late=True,
    task_default_queue=TASK_QUEUE,
    task_ignore_result=True,
    task_queues=[Queue(name, routing_key=name) for name in (TASK_QUEUE, JOB_QUEUE)],  # a worker gets both
    task_reject_on_worker_lost=True,
    task_routes={"mlsite.run_job": {"queue": JOB_QUEUE}},
    timezone="UTC",
    worker_cancel_long_running_tasks_on_connection_loss=False,  # threads cannot be canceled
    worker_concurrency=settings.BACKGROUND_THREADS,
    worker_pool="threads",  # also with `--pool prefork`, which Celery takes for its own default
    worker_prefetch_multiplier=1,
)


class PromptScheduler(Scheduler):
    """Run each job at the start of beat and then at its interval, as the scheduler of the web server does. Write no file.

    When the clock is set back, all jobs run. Otherwise, they would wait until it has caught up.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._clock = ClockWatch()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        self._make_all_due()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        if self._clock.was_set_back():
            logger.warning("the clock was set back: all periodic jobs run now")
            self._make_all_due()
        return float(super().tick(*args, **kwargs))

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send a job to the workers. While the broker is unavailable, the job is dropped, and runs at its next interval.

        Celery would log a traceback for each job.
        """
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            broker.record(error)
        else:
            broker.record(None)

    def _make_all_due(self) -> None:
        for entry in self.schedule.values():
            entry.last_run_at = app.now() - entry.schedule.run_every
        self._heap = None  # `tick` builds it again


class BrokerState:
    """Whether the broker could be reached. Changes are logged once."""

    retry_time = 0.0  # on the monotonic clock
    is_available = True

    def record(self, error: Exception | None) -> None:
        """Record the result of an attempt."""
        if error is not None:
            self.retry_time = monotonic() + RECONNECT_SECONDS
        if self.is_available and error is not None:
            logger.error("the broker is unavailable; background tasks wait until it is back: %s", error)
        elif not self.is_available and error is None:
            logger.info("the broker is available again")
        self.is_available = error is None


broker = BrokerState()
was_ready = threading.Event()


def send_task(name: str, row_id: str) -> None:
    """Send a task to the workers. If the broker is unavailable, drop the task: the sweep enqueues it again."""
    if monotonic() < broker.retry_time:
        return
    connection = app.connection_for_write()  # not opened: it knows the exceptions of its transport
    try:
        app.send_task(name, args=[row_id], retry=True, retry_policy=RETRY_POLICY)
    except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
        broker.record(error)
    else:
        broker.record(None)


@app.task(name="mlsite.run_job")
def run_scheduled_job(path: str) -> None:
    """Run a job of `settings.SCHEDULED_JOBS`. The path is that of a message, so no other function is imported or called.

    Raises:
        ValueError: there is no such job.
    """
    if path not in settings.SCHEDULED_JOBS:
        raise ValueError(f"Expected the path of a scheduled job. Received: {path[:100]!r}")
    run_job(path)


@signals.import_modules.connect(sender=app, weak=False)
def register_tasks(**kwargs: Any) -> None:
    """Register a Celery task for each background task. Django is set up by an earlier receiver of this signal."""
    for name in load_tasks():
        app.task(_build_task(name), name=name)


@signals.setup_logging.connect
def configure_logging(**kwargs: Any) -> None:
    """Keep the logging of the site: with a receiver, Celery does not configure its own."""


@signals.worker_init.connect
def check_pool(sender: Any, **kwargs: Any) -> None:
    """Exit if the pool forks processes, because TensorFlow does not work in them, or if it does not use threads."""
    if sender.pool_cls.__module__ not in POOLS:
        raise SystemExit("This pool cannot run models. Use --pool threads (the default) or --pool solo.")


@signals.worker_ready.connect
def start_watchdog(**kwargs: Any) -> None:
    from mlsite.watchdog import watch_models  # imports models, which Django has set up now

    watch_models()
    was_ready.set()


@signals.beat_embedded_init.connect
def stop_beat_with_worker(**kwargs: Any) -> None:
    """End the beat of `worker --beat`, which is a process of its own, when its worker has been killed."""
    worker = os.getppid()

    def watch() -> None:
        while os.getppid() == worker:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-check", daemon=True).start()


@signals.worker_shutting_down.connect
def stop_running_tasks(**kwargs: Any) -> None:
    """Stop tasks after the current item."""
    stopping.set()


@signals.worker_shutdown.connect
def replace_worker(**kwargs: Any) -> None:
    """Start this worker again if no signal has stopped it: it has lost the broker."""
    if was_ready.is_set() and not stopping.is_set():
        logger.warning("the worker has lost the broker and starts again")
        logging.shutdown()
        time.sleep(RESTART_SECONDS)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  no shell


def _build_task(name: str) -> Any:
    def run(row_id: str) -> None:
        run_task(name, row_id)

    return run
