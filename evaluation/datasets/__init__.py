"""Training datasets from reviewed predictions."""

from evaluation.datasets.export import ExportSummary, export_dataset
from evaluation.datasets.selection import NotExportable
from evaluation.datasets.splits import SPLITS, UNREVIEWED

__all__ = ["SPLITS", "UNREVIEWED", "ExportSummary", "NotExportable", "export_dataset"]
