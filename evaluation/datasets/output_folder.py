"""Create the folder of a dataset atomically."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from evaluation.datasets.selection import NotExportable


@contextmanager
def create_output_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder to write to. It becomes `folder` when the block succeeds, and is deleted otherwise.

    An existing empty folder keeps its owner and mode, and may be a mount point: the temporary folder is inside it, and its
    content is moved at the end. A process that is killed leaves a hidden folder with a name ending in `.part`.

    Raises:
        NotExportable: the folder is not empty, or is a file.
        OSError: the folder cannot be written.
    """
    folder = folder.absolute()
    exists = folder.exists()
    if exists and not (folder.is_dir() and not any(folder.iterdir())):
        raise NotExportable(f"Expected a folder that is empty or does not exist. Received: {folder}")
    name = f".{folder.name}.{uuid4().hex[:8]}.part"
    temporary = folder / name if exists else folder.with_name(name)
    temporary.mkdir(parents=not exists)
    try:
        yield temporary
        if exists:
            for entry in list(temporary.iterdir()):
                entry.replace(folder / entry.name)
        else:
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
