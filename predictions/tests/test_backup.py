"""Backups are complete, survive damage of the originals, and are restored only if they are intact and fit."""

import fcntl
import json
import os
import stat
from pathlib import Path

import pytest
from django.db import connection

from core.backup import create, postgresql, sqlite
from core.backup.errors import BackupError
from core.backup.manifest import MANIFEST, read_manifest
from core.tests.commands import run_command
from inference.tests.factories import make_noise_image
from predictions.models import Prediction
from predictions.tests.factories import list_stored_files, make_prediction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def predictions(shades, user):
    return [make_prediction(user, make_noise_image(seed)) for seed in range(3)]


@pytest.fixture
def folder(predictions, tmp_path) -> Path:
    """Return the folder of a backup."""
    target = tmp_path / "backup"
    assert run_command("backup", target)[2] is None
    return target


def read_refusal(folder, *options):
    """Return the message of a restore that must not change anything."""
    before = list(Prediction.objects.order_by("id").values())
    _, _, message = run_command("restore", folder, *options)
    assert message
    assert list(Prediction.objects.order_by("id").values()) == before
    return message


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_restored_backup_has_all_rows_and_files_of_its_snapshot(folder, predictions, user, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"  # does not exist, as on a new machine
    stored = {path: path.read_bytes() for path in list_stored_files(settings)}
    rows = list(Prediction.objects.order_by("id").values())
    make_prediction(user, make_noise_image(9))
    for number, path in enumerate(stored):
        damage(path) if number else path.unlink()
    out, _, error = run_command("restore", folder, "--force")
    assert error is None, error
    assert "No breach found." in out
    assert list(Prediction.objects.order_by("id").values()) == rows
    assert {path: path.read_bytes() for path in list_stored_files(settings)} == stored, "without the later file"
    assert settings.VAR_DIR.stat().st_mode & 0o077 == 0, "other users cannot open it"
    assert make_prediction(user, make_noise_image(10)).status == "succeeded"


def test_files_that_change_during_a_backup_are_in_it(predictions, user, settings, tmp_path, monkeypatch):
    """A file is stored before the snapshot, but after the first files are copied. Another is deleted after the snapshot."""
    vendor = sqlite if connection.vendor == "sqlite" else postgresql
    dump = vendor.dump

    def dump_with_changes(path):
        make_prediction(user, make_noise_image(9))
        result = dump(path)
        Path(predictions[0].input.image.path).unlink()
        return result

    monkeypatch.setattr(vendor, "dump", dump_with_changes)
    assert run_command("backup", tmp_path / "backup")[2] is None
    for path in list_stored_files(settings):
        path.unlink()
    out, _, error = run_command("restore", tmp_path / "backup", "--force")
    assert error is None, error
    assert "No breach found." in out
    assert Prediction.objects.count() == len(predictions) + 1


def test_a_second_backup_copies_only_new_and_damaged_files(folder, user, settings):
    first, copies = read_manifest(folder), sorted((folder / "media").rglob("*.png"))
    damage(copies[0])
    unchanged = {path: path.stat().st_ino for path in copies[1:]}
    make_prediction(user, make_noise_image(9))
    assert run_command("backup", folder)[2] is None
    second = read_manifest(folder)
    assert second.row_counts[Prediction._meta.db_table] == first.row_counts[Prediction._meta.db_table] + 1
    assert {path: path.stat().st_ino for path in unchanged} == unchanged
    assert len(list((folder / "media").rglob("*.png"))) == len(copies) + 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [MANIFEST, "media", "models", second.database, second.list_name]
    )


@pytest.mark.once
def test_other_users_cannot_read_a_backup(folder):
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [folder / read_manifest(folder).database, *(folder / "media").rglob("*.png")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_backup_with_a_damaged_or_missing_part_is_refused(folder):
    manifest = read_manifest(folder)
    parts = [folder / manifest.database, folder / manifest.list_name, next((folder / "media").rglob("*.png"))]
    for part in parts:
        intact = part.read_bytes()
        damage(part)
        assert f"{part} is damaged" in read_refusal(folder, "--force")
        part.unlink()
        assert f"{part} cannot be read" in read_refusal(folder, "--force")
        part.write_bytes(intact)
    (folder / MANIFEST).write_text("{")
    assert "is damaged" in read_refusal(folder, "--force")
    (folder / MANIFEST).unlink()
    assert "not a complete backup" in read_refusal(folder, "--force")


@pytest.mark.once
def test_an_interrupted_backup_keeps_the_earlier_one(folder, user, monkeypatch, tmp_path):
    def interrupt(*args):
        raise KeyboardInterrupt

    before = (folder / MANIFEST).read_text()
    make_prediction(user, make_noise_image(9))
    monkeypatch.setattr(create, "write_manifest", interrupt)
    for target in (folder, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            create.create_backup(target)
    assert (folder / MANIFEST).read_text() == before
    assert "not a complete backup" in read_refusal(tmp_path / "new")
    monkeypatch.undo()
    assert run_command("backup", tmp_path / "new")[2] is None
    assert create.LOCK not in os.listdir(tmp_path / "new")


@pytest.mark.once
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vendor": "oracle"}, "Change DATABASE_URL"),
        ({"migrations": ["predictions.9999_future"]}, "newer migrations"),
        ({"format": 99}, "unknown format"),
        ({"unexpected": 1}, "is damaged"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(folder, changes, message):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))
    assert message in read_refusal(folder, "--force")


def test_a_target_with_data_is_refused(folder):
    assert "The database is not empty. Use --force" in read_refusal(folder)


@pytest.mark.once
def test_a_list_with_a_path_outside_the_backup_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    path = folder / manifest["list_name"]
    path.write_text(f"{'0' * 64}  media/../../outside\n")
    manifest["list_sha256"] = create.hash_file(path)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert "names a file outside the backup" in read_refusal(folder, "--force")


@pytest.mark.once
def test_a_folder_that_cannot_take_a_backup_is_refused(predictions, tmp_path, settings):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    (tmp_path / "busy").mkdir()
    for target, message in [
        (tmp_path / "used", "it contains thesis.txt"),
        (tmp_path / "file" / "backup", "Not a directory"),
        (Path(settings.MEDIA_ROOT, "backup"), "is inside the folder of the media"),
        (Path("/dev/full/backup"), "Not a directory"),
    ]:
        assert message in str(run_command("backup", target)[2])
    with (tmp_path / "busy" / create.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another backup is writing" in run_command("backup", tmp_path / "busy")[2]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the programs of PostgreSQL")
def test_a_program_of_postgresql_that_is_missing_or_old_is_named(predictions, tmp_path, monkeypatch):
    monkeypatch.setattr(postgresql, "INSTALLED", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "pg_dump was not found. Install" in run_command("backup", tmp_path / "backup")[2]
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.2'\n")
    program.chmod(0o755)
    assert "Found: 9.6.2." in run_command("backup", tmp_path / "backup")[2]
    assert not (tmp_path / "backup" / MANIFEST).exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the password of PostgreSQL")
def test_passwords_are_not_in_the_arguments_of_a_program(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "very secret")
    assert "very secret" not in postgresql.get_dsn()
    with pytest.raises(BackupError, match="sh failed: very secret"):
        postgresql.run("/bin/sh", "-c", "echo $PGPASSWORD >&2; exit 1")
