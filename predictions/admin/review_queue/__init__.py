"""The review queue: one prediction at a time, reviewed with a key or a click."""

from predictions.admin.review_queue.views import ReviewQueueView
from predictions.admin.review_queue.work import AssignView, CloseAssignmentView, GoalView, ReviewerStatisticsView

__all__ = ["AssignView", "CloseAssignmentView", "GoalView", "ReviewQueueView", "ReviewerStatisticsView"]
