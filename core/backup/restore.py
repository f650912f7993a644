"""Restore a backup."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

from core.backup import postgresql, sqlite
from core.backup.errors import BackupError
from core.backup.files import copy_file, get_roots, hash_file, list_files, sync
from core.backup.manifest import Manifest, read_manifest, verify_backup
from core.private_files import protect_files

MODEL_FILE_MODE = 0o640


def restore_backup(folder: Path, *, force: bool = False) -> Manifest:
    """Verify a backup, and restore it. The server must not be running.

    The files are restored before the database, so that each row has its file, whenever this is interrupted.

    Args:
        force: replace the database, and keep other files in MEDIA_ROOT and MODEL_ROOT.

    Raises:
        BackupError: the backup is damaged or does not fit, or the target is not empty. Nothing is changed then.
    """
    vendor = sqlite if connection.vendor == "sqlite" else postgresql
    try:
        manifest = read_manifest(folder)
        hashes = verify_backup(folder, manifest)
        _check_fit(manifest)
        vendor.check_restore(folder / manifest.database)
        if not force:
            _check_empty()
        protect_files()
        _restore_files(folder, hashes)
        connections.close_all()
        vendor.restore(folder / manifest.database)
    except OSError as error:
        raise BackupError(f"{error.filename}: {error.strerror}. Run restore again with --force.") from error
    _check_counts(manifest)
    return manifest


def list_pending_migrations() -> list[str]:
    """Return the migrations of the installed version that the database lacks."""
    loader = MigrationLoader(connection)
    return sorted(".".join(key) for key in loader.disk_migrations or {} if key not in loader.applied_migrations)


def _check_fit(manifest: Manifest) -> None:
    if manifest.vendor != connection.vendor:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        backup, own = names.get(manifest.vendor, manifest.vendor), names[connection.vendor]
        raise BackupError(f"The backup is of a {backup} database, but the site uses {own}. Change DATABASE_URL.")
    installed = {".".join(key) for key in MigrationLoader(None).disk_migrations or {}}
    known_apps = {name.partition(".")[0] for name in installed}
    newer = [name for name in manifest.migrations if name.partition(".")[0] in known_apps and name not in installed]
    if newer:
        message = f"The backup was made by mlsite {manifest.version}, which has newer migrations, such as {newer[-1]}."
        raise BackupError(f"{message} Install that version.")


def _check_empty() -> None:
    with connection.cursor() as cursor:
        has_tables = bool(connection.introspection.table_names(cursor))
    if has_tables:
        raise BackupError("The database is not empty. Use --force to replace it and lose its content.")
    for root in get_roots().values():
        if next(iter(list_files(root)), None):
            raise BackupError(f"{root} is not empty. Use --force to restore into it. Other files stay there.")


def _restore_files(folder: Path, hashes: dict[str, str]) -> None:
    roots = get_roots()
    for name, sha256 in hashes.items():
        prefix, _, path = name.partition("/")
        target = roots[prefix] / path
        if target.is_file() and hash_file(target) == sha256:
            continue
        mode = settings.FILE_UPLOAD_PERMISSIONS or MODEL_FILE_MODE
        if copy_file(folder / name, target, mode=mode)[0] != sha256:
            raise BackupError(f"{folder / name} changed while it was restored. Check the disk.")
    sync()


def _check_counts(manifest: Manifest) -> None:
    with connection.cursor() as cursor:
        for table, expected in manifest.row_counts.items():
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608  a quoted name
            (count,) = cursor.fetchone()
            if count != expected:
                message = f"{table} has {count} rows after the restore instead of {expected}."
                raise BackupError(f"{message} Stop the server, and restore again.")
