"""Judged answers as files to train on."""

from predictions.services.dataset.answers import NotExportable
from predictions.services.dataset.export import Dataset, export_dataset
from predictions.services.dataset.splits import SPLITS, UNREVIEWED

__all__ = ["SPLITS", "UNREVIEWED", "Dataset", "NotExportable", "export_dataset"]
