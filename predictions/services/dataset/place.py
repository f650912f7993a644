"""The folder that a dataset is written to: whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from predictions.services.dataset.answers import NotExportable


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, beside the wanted one, which it becomes when the block ends well; else nothing is left of it.

    A process that is killed leaves the unfinished one behind, hidden, with a name that ends in `.part`.

    Raises:
        NotExportable: when there is something already.
    """
    folder = folder.resolve()
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise NotExportable(f"Expected a folder that is empty or does not exist. Received: {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.part")
    unfinished.mkdir()
    try:
        yield unfinished
        unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
