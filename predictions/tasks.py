"""Background tasks of predictions."""

from __future__ import annotations

from core.tasks import background_task
from predictions.services.background import TASK_NAME, run_queued_prediction

background_task(TASK_NAME)(run_queued_prediction)
