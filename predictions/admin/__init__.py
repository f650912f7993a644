"""Inputs, predictions, reviews, and background work in the admin."""

from predictions.admin.background import BatchJobAdmin, QueuedPredictionAdmin
from predictions.admin.predictions import InputAdmin, PredictionAdmin
from predictions.admin.retention import RetentionPolicyAdmin, RetentionRunAdmin
from predictions.admin.reviews import ReviewAdmin

__all__ = [
    "BatchJobAdmin",
    "InputAdmin",
    "PredictionAdmin",
    "QueuedPredictionAdmin",
    "RetentionPolicyAdmin",
    "RetentionRunAdmin",
    "ReviewAdmin",
]
