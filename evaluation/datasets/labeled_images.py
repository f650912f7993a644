"""Write images with lists of true labels, as the `ImageFolder` builder of Hugging Face Datasets reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from evaluation.datasets.images import ImageWriter
from evaluation.datasets.selection import TrueOutput
from evaluation.datasets.splits import SPLITS
from inference.signature import ImageInput
from predictions.models import Input


class LabeledImageWriter(ImageWriter):
    """Writes `train/<input>.png`, and its true labels to `train/metadata.jsonl`: an image has any number of labels.

    `classes.txt` lists the labels in the order of the model's outputs.
    """

    def __init__(
        self, root: Path, labels: Iterable[str], signature: ImageInput, *, reviewed_only: bool, files: ExitStack
    ) -> None:
        labels = list(labels)
        super().__init__(root, (), signature, reviewed_only=reviewed_only)
        (root / "classes.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
        paths = {split: root / split / "metadata.jsonl" for split in SPLITS}
        self.metadata = {split: files.enter_context(path.open("w", encoding="utf-8")) for split, path in paths.items()}

    def write(self, row: Input, image: Image.Image, split: str, true_output: TrueOutput | None) -> str:
        """Write the image and, if its true labels are known, a line of metadata. Return its path relative to the root."""
        path = super().write(row, image, split, true_output)
        if true_output:
            line: dict[str, Any] = {"file_name": f"{row.pk}.png", "labels": true_output.true_labels}
            self.metadata[split].write(json.dumps(line, ensure_ascii=False) + "\n")
        return path
