"""The pages of batch jobs."""

from predictions.views.batch_jobs.actions import CancelBatchJobView, RetryBatchJobView, StartBatchJobView
from predictions.views.batch_jobs.create import NewBatchJobView
from predictions.views.batch_jobs.detail import BatchJobListView, BatchJobView
from predictions.views.batch_jobs.results import BatchJobDigestsView, BatchJobResultsView, BatchJobWorkbookView
from predictions.views.batch_jobs.rows import BatchJobRowsView

__all__ = [
    "BatchJobDigestsView",
    "BatchJobListView",
    "BatchJobResultsView",
    "BatchJobRowsView",
    "BatchJobView",
    "BatchJobWorkbookView",
    "CancelBatchJobView",
    "NewBatchJobView",
    "RetryBatchJobView",
    "StartBatchJobView",
]
