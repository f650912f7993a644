import stat

import pytest
from django.core.management.sql import emit_post_migrate_signal

from core.private_files import protect_files

pytestmark = pytest.mark.once


def get_mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_existing_files_of_the_site_become_private(settings, tmp_path, monkeypatch):
    var, media = tmp_path / "var", tmp_path / "elsewhere"
    for folder in (var, media):
        folder.mkdir()
        folder.chmod(0o755)
    files = [var / name for name in ("db.sqlite3", "db.sqlite3-wal")]
    for file in files:
        file.touch()
        file.chmod(0o644)
    settings.VAR_DIR, settings.MEDIA_ROOT = var, media
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(files[0]))
    protect_files()
    assert [get_mode(path) for path in (var, *files, media)] == [0o700, 0o600, 0o600, 0o755]


@pytest.mark.django_db
def test_migrate_makes_the_folder_private(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    tmp_path.chmod(0o755)
    emit_post_migrate_signal(0, False, "default")
    assert get_mode(tmp_path) == 0o700


def test_a_missing_folder_is_created_private(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    protect_files()
    assert get_mode(settings.VAR_DIR) == 0o700


def test_shared_folders_and_folders_above_the_code_are_not_changed(settings, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    code = tmp_path / "site" / "code"
    code.mkdir(parents=True)
    code.parent.chmod(0o755)
    for folder, mode in ((shared, 0o1777), (code.parent, 0o755)):
        settings.VAR_DIR, settings.BASE_DIR = folder, code
        protect_files()
        assert get_mode(folder) == mode
