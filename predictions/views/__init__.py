"""The pages."""

from predictions.views.ask import AskView, ExampleView
from predictions.views.ledger import HistoryView, PredictionView, ThumbnailView
from predictions.views.models import ModelDetailView, ModelListView
from predictions.views.review import ReviewView

__all__ = [
    "AskView", "ExampleView", "HistoryView", "ModelDetailView", "ModelListView", "PredictionView", "ReviewView",
    "ThumbnailView",
]  # fmt: skip
