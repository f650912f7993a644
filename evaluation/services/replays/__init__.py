"""Create, run, and cancel replays: two versions of a model on the same reviewed inputs."""

from evaluation.services.replays.create import InvalidReplay, create_replay
from evaluation.services.replays.run import run_replay
from evaluation.services.replays.states import TASK_NAME, cancel_replay, requeue_lost_replays

__all__ = ["TASK_NAME", "InvalidReplay", "cancel_replay", "create_replay", "requeue_lost_replays", "run_replay"]
