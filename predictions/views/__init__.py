"""Views of the pages."""

from predictions.views.background import CancelView, OpenPredictionView, OpenRowsView
from predictions.views.detail import PredictionView, ThumbnailView
from predictions.views.examples import ExampleImageView, ExampleView
from predictions.views.history import HistoryView
from predictions.views.history_actions import HistoryExportView, SavedFilterView, SaveFilterView, SelectionView
from predictions.views.models import ModelDetailView, ModelListView
from predictions.views.predict import PredictView
from predictions.views.review import ReviewView

__all__ = [
    "CancelView",
    "ExampleImageView",
    "ExampleView",
    "HistoryExportView",
    "HistoryView",
    "ModelDetailView",
    "ModelListView",
    "OpenPredictionView",
    "OpenRowsView",
    "PredictView",
    "PredictionView",
    "ReviewView",
    "SaveFilterView",
    "SavedFilterView",
    "SelectionView",
    "ThumbnailView",
]  # fmt: skip
