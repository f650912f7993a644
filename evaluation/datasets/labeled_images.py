"""Write images with lists of true labels, as the `imagefolder` builder of Hugging Face Datasets reads them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from evaluation.datasets.images import ImageWriter
from evaluation.datasets.selection import TrueOutput
from evaluation.datasets.tables import TargetColumns, open_csv
from inference.signature import ImageInput
from predictions.models import Input

METADATA_NAME = "metadata.csv"
FILE_COLUMN = "file_name"


class LabeledImageWriter(ImageWriter):
    """Writes `train/<input>.png`, and `train/metadata.csv` with one column per label: an image has any number of labels.

    Only splits with images have a `metadata.csv`. `classes.txt` lists the labels in the order of the model's outputs.
    """

    def __init__(
        self, root: Path, labels: Iterable[str], signature: ImageInput, *, reviewed_only: bool, files: ExitStack
    ) -> None:
        super().__init__(root, (), signature, reviewed_only=reviewed_only)
        self.targets, self.files = TargetColumns(labels, used=[FILE_COLUMN]), files
        self.metadata: dict[str, Any] = {}
        (root / "classes.txt").write_text("".join(f"{label}\n" for label in self.targets.labels), encoding="utf-8")

    def write(self, row: Input, image: Image.Image, split: str, true_output: TrueOutput | None) -> str:
        """Write the image and, if its true labels are known, a row of metadata. Return its path relative to the root."""
        path = super().write(row, image, split, true_output)
        if true_output:
            cells = self.targets.build_cells(true_output)
            self._get_metadata_writer(split).writerow([f"{row.pk}.png", *cells])
        return path

    def _get_metadata_writer(self, split: str) -> Any:
        if split not in self.metadata:
            self.metadata[split] = csv.writer(self.files.enter_context(open_csv(self.root / split / METADATA_NAME)))
            self.metadata[split].writerow([FILE_COLUMN, *self.targets.names])
        return self.metadata[split]
