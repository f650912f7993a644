"""The pages of batch jobs."""

from predictions.views.batch_jobs.actions import CancelBatchJobView, RetryBatchJobView, StartBatchJobView
from predictions.views.batch_jobs.create import NewBatchJobView
from predictions.views.batch_jobs.detail import BatchJobListView, BatchJobView

__all__ = [
    "BatchJobListView",
    "BatchJobView",
    "CancelBatchJobView",
    "NewBatchJobView",
    "RetryBatchJobView",
    "StartBatchJobView",
]
