"""Pictures in folders by what is true of them, as `keras.utils.image_dataset_from_directory` reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from evaluation.datasets.folder_names import folder_names
from evaluation.datasets.selection import Truth
from evaluation.datasets.splits import SPLITS, UNREVIEWED
from inference.preprocessing import normalize_image
from predictions.models import Input
from predictions.services.stored_files import read_stored_file


class PictureFolders:
    """`train/7/<input>.png`; pictures whose truth is a value lie in `train/`, and the manifest has it.

    Each label has its folder in each split, also an empty one, so that a class has the same number in all. `classes.txt`
    names the folders in the order of the network's outputs, which is not the alphabet's.
    """

    def __init__(self, root: Path, labels: Iterable[str], *, reviewed_only: bool) -> None:
        self.root, self.names = root, folder_names(labels)
        for split in SPLITS:
            for name in self.names.values() or [""]:
                (root / split / name).mkdir(parents=True)
        if not reviewed_only:
            (root / UNREVIEWED).mkdir()
        if self.names:
            (root / "classes.txt").write_text("".join(f"{name}\n" for name in self.names.values()), encoding="utf-8")

    def read(self, row: Input) -> tuple[bytes, Image.Image]:
        """Return the picture, and a digest of what is to be seen on it: files that differ in metadata only share it.

        Raises:
            StoredFileError: the stored file is gone or damaged.
            InvalidImage: no decoder here reads it any more.
        """
        picture = _grey_if_grey(normalize_image(read_stored_file(row)))
        head = f"{picture.mode} {picture.width} {picture.height}\n".encode()
        return hashlib.sha256(head + picture.tobytes()).digest(), picture

    def write(self, row: Input, picture: Image.Image, split: str, truth: Truth | None) -> str:
        """Write the picture; return its path below the root."""
        label = self.names[truth.label] if truth and truth.label else ""
        path = Path(split, label, f"{row.pk}.png")
        picture.save(self.root / path, "PNG")
        return path.as_posix()


def _grey_if_grey(picture: Image.Image) -> Image.Image:
    """Return a picture without colour as such, however its file keeps it: it is the same picture."""
    grey = picture.getchannel(0)
    return (
        grey
        if all(picture.getchannel(n).tobytes() == grey.tobytes() for n in range(1, len(picture.getbands())))
        else picture
    )
