"""Background tasks of the evaluation."""

from __future__ import annotations

from core.tasks import background_task
from evaluation.services import replays

background_task(replays.TASK_NAME)(replays.run_replay)
