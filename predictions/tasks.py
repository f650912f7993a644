"""Background tasks of predictions."""

from __future__ import annotations

from core.tasks import background_task
from predictions.services import background, batch_jobs

background_task(background.TASK_NAME)(background.run_queued_prediction)
background_task(batch_jobs.TASK_NAME)(batch_jobs.run_batch_job)
