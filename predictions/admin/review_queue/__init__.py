"""The review queue: one prediction at a time, reviewed with a key or a click."""

from predictions.admin.review_queue.views import ReviewQueueView

__all__ = ["ReviewQueueView"]
