"""Write images to one folder per true label, as `keras.utils.image_dataset_from_directory` reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from evaluation.datasets.folder_names import assign_folder_names
from evaluation.datasets.selection import TrueOutput
from evaluation.datasets.splits import SPLITS, UNREVIEWED
from inference.preprocessing import normalize_image
from inference.signature import ImageInput
from predictions.models import Input
from predictions.services.stored_files import read_stored_file


class ImageWriter:
    """Writes `train/7/<input>.png`; for regression `train/<input>.png`, with the true value in the manifest only.

    Every split has a folder for every label, even if it is empty, so that a class has the same number in all splits.
    `classes.txt` lists the folders in the order of the model's outputs, which may not be alphabetical. Images have the
    background, the colors, and the bits of the signature.
    """

    def __init__(self, root: Path, labels: Iterable[str], signature: ImageInput, *, reviewed_only: bool) -> None:
        self.root, self.folder_names, self.signature = root, assign_folder_names(labels), signature
        for split in SPLITS:
            for name in self.folder_names.values() or [""]:
                (root / split / name).mkdir(parents=True)
        if not reviewed_only:
            (root / UNREVIEWED).mkdir()
        if self.folder_names:
            lines = "".join(f"{name}\n" for name in self.folder_names.values())
            (root / "classes.txt").write_text(lines, encoding="utf-8")

    def read(self, row: Input) -> tuple[bytes, Image.Image]:
        """Return a digest of the pixels, and the image. Files that differ only in metadata have the same digest.

        Raises:
            StoredFileError: the stored file is missing or damaged.
            InvalidImage: the stored file cannot be decoded.
        """
        return read_pixels(row, self.signature)

    def write(self, row: Input, image: Image.Image, split: str, true_output: TrueOutput | None) -> str:
        """Write the image. Return its path relative to the root."""
        folder = self.folder_names[true_output.label] if true_output and true_output.label else ""
        path = Path(split, folder, f"{row.pk}.png")
        image.save(self.root / path, "PNG")
        return path.as_posix()


def read_pixels(row: Input, signature: ImageInput) -> tuple[bytes, Image.Image]:
    """Return a digest of the pixels of a stored image, and the image. It can raise the errors of `ImageWriter.read`."""
    image = _convert_to_gray_if_colorless(normalize_image(read_stored_file(row), signature))
    header = f"{image.mode} {image.width} {image.height}\n".encode()
    return hashlib.sha256(header + image.tobytes()).digest(), image


def _convert_to_gray_if_colorless(image: Image.Image) -> Image.Image:
    """Return an image whose channels are equal as grayscale, so that its pixels are the same in all color modes."""
    first, *others = image.split()
    return first if all(channel.tobytes() == first.tobytes() for channel in others) else image
