"""Store the items of a chunk and the counters of its batch job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.db.models import F

from core.file_transactions import remove_field_files
from core.leases import extend_lease
from predictions.batch_jobs.progress import RATE_OPTION
from predictions.models import BatchJob, BatchJobImage, BatchJobItem, Prediction
from predictions.services.batch import BatchItem, BatchResult
from predictions.services.batch_jobs.chunks import Chunk, build_item_row
from predictions.services.batch_jobs.states import RETRY_OPTION

RATE_WEIGHT = 0.3  # of the newest chunk in the moving average


class ChunkStorage:
    """Store the chunks of a job whose lease this worker holds, and measure the rate."""

    def __init__(self, job: BatchJob) -> None:
        self.job = job
        self.last_store = time.monotonic()

    def store(self, chunk: Chunk, results: Sequence[BatchResult]) -> None:
        """Store the items and the counters, in the transaction of the predictions.

        Args:
            results: of the items of the chunk that are valid.

        Raises:
            LeaseLost: the job was canceled, or another worker has taken it. Nothing is stored.
            Overloaded: the model was too busy for some of the items. Nothing is stored.
        """
        remaining = iter(results)
        items = [
            build_item_row(self.job, item, next(remaining) if isinstance(item.content, BatchItem) else None)
            for item in chunk.items
        ]
        is_retry = chunk.items[0].stored is not None
        failed = sum(item.prediction is None or item.prediction.status == Prediction.Status.FAILED for item in items)
        options = {**self.job.options, **chunk.options, RATE_OPTION: self._update_rate(len(items))}
        if is_retry:
            options[RETRY_OPTION] = items[-1].number + 1
        else:
            options.pop(RETRY_OPTION, None)
        extend_lease(
            self.job,
            options=options,
            attempts=0,
            succeeded_items=F("succeeded_items") + len(items) - failed,
            failed_items=F("failed_items") + failed,
        )
        if is_retry:
            BatchJobItem.objects.bulk_update(items, ["prediction", "error_code", "error_message"])
        else:
            BatchJobItem.objects.bulk_create(items)
        if self.job.kind == BatchJob.Kind.IMAGES and not is_retry:
            self._delete_images([item.number for item in items])
        self.job.options, self.job.attempts = options, 0

    def _update_rate(self, count: int) -> float:
        """Return the moving average of the items per second."""
        now = time.monotonic()
        newest = count / max(now - self.last_store, 0.001)
        self.last_store = now
        previous = self.job.options.get(RATE_OPTION) or newest
        return round(RATE_WEIGHT * newest + (1 - RATE_WEIGHT) * previous, 3)

    def _delete_images(self, numbers: Sequence[int]) -> None:
        """Delete the waiting images of stored items, and their files after the COMMIT."""
        images = BatchJobImage.objects.filter(job=self.job, number__in=numbers)
        files = [image.file for image in images]
        images.delete()
        transaction.on_commit(partial(remove_field_files, files))
