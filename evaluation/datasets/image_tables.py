"""Write images with features: the images to one folder per split, and the features to CSV files that name the images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from PIL import Image

from evaluation.datasets.images import read_pixels
from evaluation.datasets.selection import TrueOutput
from evaluation.datasets.splits import SPLITS, UNREVIEWED
from evaluation.datasets.tables import TableWriter, TargetColumns, find_free_name
from inference.preprocessing import to_canonical_json
from inference.signature import ImageInput
from predictions.models import Input

IMAGE_COLUMN = "image"


class ImageTableWriter:
    """Writes `train/<input>.png` and `train.csv`: the path of the image, the features, then the true output."""

    def __init__(
        self,
        root: Path,
        features: Sequence[str],
        signature: ImageInput,
        *,
        targets: TargetColumns,
        reviewed_only: bool,
        files: ExitStack,
    ) -> None:
        self.root, self.signature = root, signature
        self.image_column = find_free_name(IMAGE_COLUMN, features)
        columns = [self.image_column, *features]
        self.table = TableWriter(root, columns, targets=targets, reviewed_only=reviewed_only, files=files)
        for split in SPLITS if reviewed_only else (*SPLITS, UNREVIEWED):
            (root / split).mkdir()

    def read(self, row: Input) -> tuple[bytes, Image.Image]:
        """Return a digest of the pixels and features, and the image. It can raise the errors of `ImageWriter.read`."""
        digest, image = read_pixels(row, self.signature)
        return hashlib.sha256(digest + to_canonical_json(row.features or {})).digest(), image

    def write(self, row: Input, image: Image.Image, split: str, true_output: TrueOutput | None) -> str:
        """Write the image and its row. Return the path of the image, relative to the root."""
        path = Path(split, f"{row.pk}.png")
        image.save(self.root / path, "PNG")
        self.table.write(row, {**(row.features or {}), self.image_column: path.as_posix()}, split, true_output)
        return path.as_posix()
