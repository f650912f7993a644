"""Views of the pages."""

from predictions.views.annotations import CommentsView, OtherVersionView, TagsView
from predictions.views.background import CancelView, OpenPredictionView, OpenRowsView
from predictions.views.detail import PredictionView, ThumbnailView
from predictions.views.examples import ExampleImageView, ExampleView
from predictions.views.history import HistoryView
from predictions.views.history_actions import HistoryExportView, SavedFilterView, SaveFilterView, SelectionView
from predictions.views.model_input import ModelInputView
from predictions.views.models import ModelDetailView, ModelListView
from predictions.views.own_data import OwnDataView
from predictions.views.predict import PredictView
from predictions.views.promotion import PromoteModelView
from predictions.views.review import ReviewView

__all__ = [
    "CancelView",
    "CommentsView",
    "ExampleImageView",
    "ExampleView",
    "HistoryExportView",
    "HistoryView",
    "ModelDetailView",
    "ModelInputView",
    "ModelListView",
    "OpenPredictionView",
    "OpenRowsView",
    "OtherVersionView",
    "OwnDataView",
    "PredictView",
    "PredictionView",
    "PromoteModelView",
    "ReviewView",
    "SaveFilterView",
    "SavedFilterView",
    "SelectionView",
    "TagsView",
    "ThumbnailView",
]  # fmt: skip
