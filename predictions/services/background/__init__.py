"""Predict in the background: queue a prediction, run it in a worker, cancel it, and recover it if its worker is lost."""

from predictions.services.background.submission import (
    TASK_NAME,
    AlreadyFinal,
    cancel_prediction,
    cancel_predictions,
    queue_prediction,
    wait_for_final,
)
from predictions.services.background.sweep import expire_queued, requeue_lost, requeue_prediction
from predictions.services.background.worker import run_queued_prediction

__all__ = [
    "TASK_NAME",
    "AlreadyFinal",
    "cancel_prediction",
    "cancel_predictions",
    "expire_queued",
    "queue_prediction",
    "requeue_lost",
    "requeue_prediction",
    "run_queued_prediction",
    "wait_for_final",
]
