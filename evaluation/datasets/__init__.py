"""Judged answers as files to train on."""

from evaluation.datasets.export import Dataset, export_dataset
from evaluation.datasets.selection import NotExportable
from evaluation.datasets.splits import SPLITS, UNREVIEWED

__all__ = ["SPLITS", "UNREVIEWED", "Dataset", "NotExportable", "export_dataset"]
