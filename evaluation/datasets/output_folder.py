"""The folder that a dataset is written to: whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from evaluation.datasets.selection import NotExportable


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill; when the block ends well it is the wanted one, else nothing is left of it.

    One that is there already, and empty, stays itself, with its owner and mode, and may be a mount point: it is filled
    from a folder inside it. A process that is killed leaves the unfinished one behind, hidden, with a name that ends in
    `.part`.

    Raises:
        NotExportable: when there is something already.
        OSError: when it cannot be written to.
    """
    folder = folder.absolute()
    there = folder.exists()
    if there and not (folder.is_dir() and not any(folder.iterdir())):
        raise NotExportable(f"Expected a folder that is empty or does not exist. Received: {folder}")
    name = f".{folder.name}.{uuid4().hex[:8]}.part"
    unfinished = folder / name if there else folder.with_name(name)
    unfinished.mkdir(parents=not there)
    try:
        yield unfinished
        if there:
            for entry in list(unfinished.iterdir()):
                entry.replace(folder / entry.name)
        else:
            unfinished.replace(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
