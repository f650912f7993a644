"""The pages."""

from predictions.views.ask import AskView
from predictions.views.examples import ExamplePictureView, ExampleView
from predictions.views.history import HistoryView
from predictions.views.ledger import PredictionView, ThumbnailView
from predictions.views.models import ModelDetailView, ModelListView
from predictions.views.operations import OperationsView
from predictions.views.review import ReviewView
from predictions.views.tour import SampleView, TourView

__all__ = [
    "AskView", "ExamplePictureView", "ExampleView", "HistoryView", "ModelDetailView", "ModelListView", "OperationsView",
    "PredictionView", "ReviewView", "SampleView", "ThumbnailView", "TourView",
]  # fmt: skip
