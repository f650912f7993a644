"""Static files are collected only if they have changed."""

import os
import shutil
import time

from demo.services.static_files import collect_static_files


def test_static_files_are_collected_after_a_change_only(settings, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.css").write_text("a { color: red }")
    settings.VAR_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES |= {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}}
    settings.STATICFILES_DIRS = [source]
    assert [collect_static_files(), collect_static_files()] == [True, False]
    (source / "a.css").write_text("a { color: green }")
    os.utime(source / "a.css", (time.time() + 5,) * 2)  # Django compares times in seconds
    assert [collect_static_files(), collect_static_files()] == [True, False]
    assert (settings.STATIC_ROOT / "a.css").read_text() == "a { color: green }"
    shutil.rmtree(settings.STATIC_ROOT)
    assert collect_static_files()
