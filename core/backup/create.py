"""Create a backup, or update one."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from core.backup import postgresql, sqlite
from core.backup.errors import BackupError
from core.backup.files import copy_file, get_roots, hash_file, list_files
from core.backup.manifest import MANIFEST, Manifest, format_list, read_previous_hashes, write_manifest
from core.private_files import FOLDER_MODE

LOCK = "backup.lock"  # also marks the folder of an interrupted backup
OWN_NAMES = {MANIFEST, f"{MANIFEST}.new", LOCK, "media", "models"}
OWN_PREFIXES = ("database-", "files-")


def create_backup(folder: Path) -> Manifest:
    """Write a backup into an empty folder, or update the backup in it. The server can be running.

    The snapshot of the database is taken before new files are copied: as a file is on disk before its row, each row of the
    snapshot has its file. Older files are copied before the snapshot too, in case they are deleted meanwhile. The earlier
    backup stays complete until the new manifest replaces its manifest.

    Raises:
        BackupError: the backup cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        _check_folder(folder)
        with _lock(folder):
            return _write_backup(folder)
    except OSError as error:
        space = f" {shutil.disk_usage(folder).free / 2**20:.0f} MB are free." if folder.is_dir() else ""
        raise BackupError(f"{error.filename or folder}: {error.strerror}.{space} The backup is not complete.") from error


def _write_backup(folder: Path) -> Manifest:
    stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    known = read_previous_hashes(folder)
    hashes: dict[str, str] = {}
    _copy_files(folder, known, hashes)
    vendor = sqlite if connection.vendor == "sqlite" else postgresql
    database = folder / vendor.NAME.format(stamp=stamp)
    started_at = timezone.now()
    row_counts, tools = vendor.dump(database)
    _copy_files(folder, known, hashes)
    list_path = folder / f"files-{stamp}.sha256"
    list_path.write_text(format_list(hashes))
    manifest = Manifest(
        version=settings.VERSION,
        started_at=started_at.isoformat(),
        vendor=connection.vendor,
        tools=tools,
        database=database.name,
        database_sha256=hash_file(database),
        list_name=list_path.name,
        list_sha256=hash_file(list_path),
        file_count=len(hashes),
        file_bytes=sum((folder / name).stat().st_size for name in hashes),
        row_counts=row_counts,
        migrations=sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations()),
    )
    write_manifest(folder, manifest)
    _remove_others(folder, {database.name, list_path.name, *hashes})
    return manifest


def _copy_files(folder: Path, known: dict[str, str], hashes: dict[str, str]) -> None:
    """Copy the files that are not in `hashes` yet. A file never changes, so intact copies of an earlier backup stay."""
    for prefix, root in get_roots().items():
        for path in list_files(root):
            name = f"{prefix}/{path}"
            if name in hashes:
                continue
            copy = folder / name
            if name in known and copy.is_file() and hash_file(copy) == known[name]:
                hashes[name] = known[name]
                continue
            try:
                hashes[name], _ = copy_file(root / path, copy)
            except FileNotFoundError:
                if (root / path).exists():
                    raise
                # It has been deleted since the folder was listed.


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove what an earlier or interrupted backup has left."""
    for own in folder.iterdir():
        if own.name.startswith(OWN_PREFIXES) and own.name not in names:
            own.unlink()
    for prefix in get_roots():
        for path in list_files(folder / prefix):
            if f"{prefix}/{path}" not in names:
                (folder / prefix / path).unlink()


def _check_folder(folder: Path) -> None:
    for name, root in get_roots().items():
        if folder.resolve().is_relative_to(root.resolve()):
            raise BackupError(f"{folder} is inside the folder of the {name}. Choose another folder, on another disk.")
    others = [
        path.name for path in folder.iterdir() if path.name not in OWN_NAMES and not path.name.startswith(OWN_PREFIXES)
    ]
    if others:
        raise BackupError(f"{folder} is not empty and not a backup: it contains {others[0]}. Choose another folder.")


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, and remove the lock after a complete backup."""
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(f"Another backup is writing to {folder}. Wait for it.") from error
        yield
    (folder / LOCK).unlink()
