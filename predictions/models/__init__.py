from predictions.models.annotations import PredictionComment, PredictionTag
from predictions.models.batch_job import BatchJob, BatchJobImage, BatchJobItem
from predictions.models.input import Input
from predictions.models.prediction import Prediction
from predictions.models.queued import QueuedPrediction
from predictions.models.removed_file import RemovedFile
from predictions.models.retention import RetentionPolicy, RetentionRun
from predictions.models.review import Review, ReviewClaim
from predictions.models.review_work import ReviewAssignment, ReviewGoal, ShownPrediction
from predictions.models.saved_filter import SavedFilter
from predictions.models.summaries import PredictionCount, ReviewSummary, SummaryProgress

__all__ = [
    "BatchJob",
    "BatchJobImage",
    "BatchJobItem",
    "Input",
    "Prediction",
    "PredictionComment",
    "PredictionCount",
    "PredictionTag",
    "QueuedPrediction",
    "RemovedFile",
    "RetentionPolicy",
    "RetentionRun",
    "Review",
    "ReviewAssignment",
    "ReviewClaim",
    "ReviewGoal",
    "ReviewSummary",
    "SavedFilter",
    "ShownPrediction",
    "SummaryProgress",
]
