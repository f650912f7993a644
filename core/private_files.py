"""Keep other users of the machine out of the files of the site."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

FOLDER_MODE, FILE_MODE = 0o700, 0o600
SQLITE_SUFFIXES = ("", "-wal", "-shm", "-journal")  # SQLite gives new ones the mode of the database


def protect_files(**kwargs: Any) -> None:
    """Let only the owner open VAR_DIR and the SQLite database, even if they exist already. Create VAR_DIR.

    Otherwise, the first command that writes a file would create VAR_DIR with the usual mode. Other folders that an
    operator has chosen are not changed. `manage.py check --deploy` reports them.
    """
    folder = Path(settings.VAR_DIR)
    with contextlib.suppress(OSError):  # nothing to protect if the disk is read-only
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if is_own_folder(folder):
        restrict_mode(folder, FOLDER_MODE)
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        for suffix in SQLITE_SUFFIXES:
            restrict_mode(Path(f"{database['NAME']}{suffix}"), FILE_MODE)


def is_own_folder(folder: Path) -> bool:
    """Return whether a folder contains only files of the site: it is not shared, such as /tmp, and not above the code."""
    if not folder.is_dir() or folder.stat().st_mode & stat.S_ISVTX:
        return False
    return not Path(settings.BASE_DIR).resolve().is_relative_to(folder.resolve())


def restrict_mode(path: Path, mode: int) -> None:
    """Remove the permissions of other users from a file or folder of this user."""
    try:
        found = path.stat()
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~mode:
            path.chmod(stat.S_IMODE(found.st_mode) & mode)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.warning("cannot change the permissions of %s: %s", path, error)
