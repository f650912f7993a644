"""The manifest of a backup. It is written last: a folder without it is not a backup.

The list of files has the format of `sha256sum`, so that `sha256sum -c` verifies a backup without mlsite.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core.backup.errors import BackupError
from core.backup.files import get_roots, hash_file, sync

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup contains.

    Args:
        version: of mlsite.
        started_at: the time of the snapshot of the database. Whatever was acknowledged earlier is in the backup.
        vendor: of the database: `sqlite` or `postgresql`.
        tools: the versions of the database and of the program that made the snapshot.
        database: the name of the snapshot.
        database_sha256: its hash.
        list_name: the name of the list of files.
        list_sha256: its hash.
        file_count, file_bytes: of the files in the list.
        row_counts: the number of rows by table.
        migrations: the applied migrations, as `app.name`.
    """

    version: str
    started_at: str
    vendor: str
    tools: dict[str, str]
    database: str
    database_sha256: str
    list_name: str
    list_sha256: str
    file_count: int
    file_bytes: int
    row_counts: dict[str, int]
    migrations: list[str]
    format: int = FORMAT


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest at once, after everything else is on disk."""
    sync()
    temporary = folder / f"{MANIFEST}.new"
    with temporary.open("w") as file:
        json.dump(asdict(manifest), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / MANIFEST)
    sync()


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        BackupError: the folder is not a complete backup, or a newer version of mlsite made it.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError as error:
        message = f"{folder} is not a complete backup: it has no {MANIFEST}. Run backup again, or restore another one."
        raise BackupError(message) from error
    except ValueError as error:
        raise BackupError(f"{folder / MANIFEST} is damaged. Restore another backup.") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BackupError(f"{folder / MANIFEST} has an unknown format. Install the version of mlsite that made the backup.")
    try:
        return Manifest(**values)
    except TypeError as error:
        raise BackupError(f"{folder / MANIFEST} is damaged. Restore another backup.") from error


def format_list(hashes: Mapping[str, str]) -> str:
    """Return a list of files in the format of `sha256sum`."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))


def read_list(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Return the hash of each file of a backup by name.

    Raises:
        BackupError: the list is missing or damaged.
    """
    path = folder / manifest.list_name
    _verify(path, manifest.list_sha256)
    lines = (line.split("  ", 1) for line in path.read_text().splitlines())
    hashes = {name: sha256 for sha256, name in lines}
    if outside := next(
        (name for name in hashes if ".." in name.split("/") or name.partition("/")[0] not in get_roots()), None
    ):
        raise BackupError(f"{path} names a file outside the backup: {outside}. Restore another backup.")
    return hashes


def verify_backup(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Compare all files of a backup with their hashes. Return the hashes by name.

    Raises:
        BackupError: a file is missing or damaged.
    """
    hashes = read_list(folder, manifest)
    for name, sha256 in {manifest.database: manifest.database_sha256, **hashes}.items():
        _verify(folder / name, sha256)
    return hashes


def _verify(path: Path, sha256: str) -> None:
    try:
        is_intact = hash_file(path) == sha256
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}. Restore another backup.") from error
    if not is_intact:
        raise BackupError(f"{path} is damaged: its SHA-256 differs from the manifest. Restore another backup.")


def read_previous_hashes(folder: Path) -> dict[str, str]:
    """Return the hashes of the last complete backup in a folder by name, or an empty dictionary."""
    try:
        return read_list(folder, read_manifest(folder))
    except BackupError:
        return {}
