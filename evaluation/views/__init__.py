"""Views of the evaluation pages."""

from evaluation.views.evaluation import EvaluationView
from evaluation.views.replays import CancelReplayView, CreateReplayView, ReplayView

__all__ = ["CancelReplayView", "CreateReplayView", "EvaluationView", "ReplayView"]
