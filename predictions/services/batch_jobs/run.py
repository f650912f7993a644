"""Run batch jobs in the background, chunk by chunk. A task is only a hint: see `core.tasks`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services.usage import LimitReached, count_predictions
from core import leases
from core.leases import LeaseLost, extend_lease, iterate_delays
from core.storage_errors import StorageUnavailable
from core.tasks import stopping
from inference.errors import InferenceError, InferenceTimeout, ModelLoading, ModelUnavailable, Overloaded
from predictions.batch_jobs.files import has_image_table, open_table
from predictions.models import BatchJob, BatchJobItem
from predictions.services.batch import BatchItem, predict_batch
from predictions.services.batch_jobs.chunk_storage import ChunkStorage
from predictions.services.batch_jobs.chunks import Chunk, get_next_number, iterate_chunks, iterate_retries
from predictions.services.batch_jobs.create import check_item_count
from predictions.services.batch_jobs.leases import claim_job
from predictions.services.batch_jobs.states import (
    MAX_ATTEMPTS,
    RETRY_OPTION,
    cancel_leased_job,
    fail_job,
    finish_job,
    release_job,
)
from predictions.services.inactive_users import CANCELED_ERROR, is_inactive
from registry.references import ModelReference, ResolvedModel
from registry.serving import get_standby, lease_predictor

logger = logging.getLogger(__name__)

MAX_DIRECT_ROWS = 1000  # of a table that a request runs itself
DIRECT_SECONDS = 5  # that a request runs a table, or waits for its model, before a worker continues
MAX_LOAD_ATTEMPTS = 3
ROWS_PER_LEASE = 100_000  # counted before the lease is extended


class _WorkerNeeded(Exception):
    """The model is busy or loading, or the disk is full: a worker waits for it, not a request."""


def can_run_directly(job: BatchJob) -> bool:
    """Return whether a job is so small that a request runs it itself."""
    is_fast = job.kind == BatchJob.Kind.TABLE and not has_image_table(job)
    return is_fast and 0 < (job.total_items or 0) <= MAX_DIRECT_ROWS


def run_batch_job(job_id: str, *, is_direct: bool = False) -> None:
    """Process a job that waits for a worker, until it ends or other tasks get a turn. Do nothing for any other job.

    Each chunk is stored in one transaction with the counters, and with it the lease is extended. If this process dies,
    `requeue_lost_jobs` queues the job again, and it continues with the next chunk. A second worker does no harm: the end
    of the lease and the unique numbers of the items prevent it from storing anything.

    Args:
        is_direct: the caller is a request. After a few seconds, or if the model is not ready, a worker continues.
    """
    job = claim_job(job_id)
    if job is None:
        return
    try:
        _JobRun(job, is_direct=is_direct).run()
    except LeaseLost:
        logger.info("batch job given up", extra={"job": job_id})


class _JobRun:
    """One slice of work on a job. This worker holds its lease."""

    def __init__(self, job: BatchJob, *, is_direct: bool = False) -> None:
        self.job, self.is_direct = job, is_direct
        self.resolved = ResolvedModel(job.model_version, ModelReference.parse(job.reference))
        self.deadline = time.monotonic() + (DIRECT_SECONDS if is_direct else leases.SLICE_SECONDS)
        self.storage = ChunkStorage(job)

    def run(self) -> None:
        """Process chunks until none are left, the slice is over, this process stops, or the job fails.

        Raises:
            LeaseLost: the job was canceled, or another worker has taken it.
        """
        if self.job.attempts > MAX_ATTEMPTS:
            message = f"A worker stopped {MAX_ATTEMPTS} times after {self.job.done_items:,} items, without progress."
            fail_job(self.job, code="worker-lost", message=message)
            return
        try:
            is_complete = self._process_all()
        except (_WorkerNeeded, ModelLoading):  # a slow load is no failure: the job waits until it ends
            release_job(self.job)
        except InferenceError as error:  # of the file or of the model; those of single items are stored
            fail_job(self.job, code=error.code, message=error.message)
        except StorageUnavailable as error:
            fail_job(self.job, code=error.code, message=f"{error} Retry the job later.")
        else:
            if is_complete:
                self._finish()

    def _process_all(self) -> bool:
        """Process the chunks that are left, as `_process_chunks` does. Wait while files cannot be read or stored."""
        delays = iterate_delays()
        while True:
            try:
                return self._process_chunks()
            except StorageUnavailable:
                delay = next(delays)
                if delay is None:
                    raise
                self._wait(delay)

    def _process_chunks(self) -> bool:
        """Process the chunks that are left.

        Return False if the job is released, because the slice is over or this process stops, or if its user is inactive.
        """
        self._count_items()
        for number, chunk in enumerate(self._iterate_all()):
            if stopping.is_set() or (number and time.monotonic() > self.deadline):
                release_job(self.job)
                return False
            if is_inactive(self.job.user_id):
                cancel_leased_job(self.job, **CANCELED_ERROR)
                return False
            self._process(chunk)
        return True

    def _finish(self) -> None:
        """Mark the job as succeeded, unless its file ended before its last item."""
        missing = (self.job.total_items or 0) - (get_next_number(self.job) - 1)
        if self.job.kind != BatchJob.Kind.IMAGES and missing > 0:
            message = f"The file of the batch job has changed on the server: its last {missing:,} items are missing."
            fail_job(self.job, code="stored-file-damaged", message=message)
        else:
            finish_job(self.job)

    def _iterate_all(self) -> Iterator[Chunk]:
        if RETRY_OPTION in self.job.options:
            yield from iterate_retries(self.job, self.job.options[RETRY_OPTION])
        yield from iterate_chunks(self.job)

    def _count_items(self) -> None:
        """Count the rows of a large table before the first is predicted."""
        if self.job.total_items is not None:
            return
        total = 0
        with open_table(self.job) as table:
            for total, _ in enumerate(table, 1):
                if total % ROWS_PER_LEASE == 0:
                    extend_lease(self.job)
        check_item_count(total)
        leased_until = self.job.leased_until
        try:
            with transaction.atomic():  # counted once, even if the job is canceled meanwhile or this process is killed
                extend_lease(self.job, total_items=total)
                count_predictions(user=self.job.user, count=total)
        except LimitReached:
            self.job.leased_until = leased_until  # its extension was rolled back
            raise
        self.job.total_items = total

    def _process(self, chunk: Chunk) -> None:
        """Predict and store a chunk. Wait while the model is busy or loading.

        Raises:
            Overloaded, ModelLoading, InferenceTimeout: the wait was too long.
            StorageUnavailable: the files cannot be stored at the moment.
            ModelUnavailable: the model does not load.
        """
        valid = [item.content for item in chunk.items if isinstance(item.content, BatchItem)]
        for delay in iterate_delays():
            leased_until = self.job.leased_until
            try:
                if valid:
                    self._check_model()
                predict_batch(
                    user=self.job.user,
                    source=self.job.source,
                    items=valid,
                    resolved=self.resolved,
                    is_counted=True,
                    in_transaction=partial(self.storage.store, chunk),
                )
                return
            except (Overloaded, ModelLoading, InferenceTimeout):
                if delay is None:
                    raise
                self._wait(delay)
            except IntegrityError as error:
                if BatchJobItem.objects.filter(job=self.job, number=chunk.items[0].number).exists():
                    raise LeaseLost from error
                if not self._forget_deleted_user():
                    raise
                self.job.leased_until = leased_until  # its extension was rolled back

    def _forget_deleted_user(self) -> bool:
        """Continue without the user if they were deleted. Return whether they were."""
        if self.job.user is None or User.objects.filter(pk=self.job.user.pk).exists():
            return False
        self.job.user = None
        return True

    def _check_model(self) -> None:
        """Load the model before a batch: otherwise all its predictions would fail.

        Raises:
            ModelUnavailable: it does not load, and there is no standby.
            ModelLoading: it is still being loaded.
        """
        longest = DIRECT_SECONDS if self.is_direct else settings.BATCH_JOB_LEASE_SECONDS / 2
        timeout = min(settings.PREDICT_TIMEOUT, longest)
        for attempt in range(1, MAX_LOAD_ATTEMPTS + 1):
            try:
                with lease_predictor(self.resolved.version, timeout=timeout):
                    return
            except ModelUnavailable:
                if get_standby(self.resolved.version, self.resolved.reference):
                    return
                if attempt == MAX_LOAD_ATTEMPTS:
                    raise
                self._wait(leases.FIRST_DELAY_SECONDS * attempt)

    def _wait(self, seconds: float) -> None:
        """Wait, and notice if the job is canceled meanwhile.

        Raises:
            _WorkerNeeded: a request does not wait.
        """
        if self.is_direct:
            raise _WorkerNeeded
        time.sleep(seconds)
        extend_lease(self.job)
