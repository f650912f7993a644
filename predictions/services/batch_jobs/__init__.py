"""Create and run batch jobs: files of inputs that are processed in the background."""

from predictions.services.batch_jobs.create import create_batch_job
from predictions.services.batch_jobs.drafts import delete_old_drafts
from predictions.services.batch_jobs.images import AddedImage, add_images
from predictions.services.batch_jobs.run import can_run_directly, run_batch_job
from predictions.services.batch_jobs.states import (
    TASK_NAME,
    WrongJobStatus,
    cancel_batch_job,
    requeue_lost_jobs,
    retry_batch_job,
    start_batch_job,
)

__all__ = [
    "TASK_NAME",
    "AddedImage",
    "WrongJobStatus",
    "add_images",
    "can_run_directly",
    "cancel_batch_job",
    "create_batch_job",
    "delete_old_drafts",
    "requeue_lost_jobs",
    "retry_batch_job",
    "run_batch_job",
    "start_batch_job",
]
