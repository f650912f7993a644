"""Collect static files only if they have changed."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_static_files() -> bool:
    """Run `collectstatic`, unless all files are as they were after the last run. Return whether it ran.

    Django and WhiteNoise would process and compress all files again: most of the time that `bootstrap` takes.
    """
    state_file = Path(settings.VAR_DIR, "static-state")
    manifest = Path(settings.STATIC_ROOT, "staticfiles.json")
    state = _hash_static_files()
    if manifest.exists() and state_file.exists() and state_file.read_text() == state:
        return False
    call_command("collectstatic", interactive=False, verbosity=0)
    state_file.write_text(state)
    return True


def _hash_static_files() -> str:
    """Return a hash of the names, sizes, and modification times of all files, and of what determines their processing."""
    digest = hashlib.sha256(f"{version('django')} {version('whitenoise')} {settings.STORAGES}".encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
