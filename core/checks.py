"""What `manage.py check` says about this installation, without loading a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register


@register()
def check_folders(**options: Any) -> list[Error]:
    """MEDIA_ROOT and MODEL_ROOT can be written to, or made."""
    errors = []
    for name in ("MEDIA_ROOT", "MODEL_ROOT"):
        folder = Path(getattr(settings, name))
        if folder.exists() and not folder.is_dir():
            errors.append(Error(f"{name} is not a folder: {folder}", id="core.E001"))
    return errors


@register(deploy=True)
def check_sqlite_in_production(**options: Any) -> list[Warning]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "One machine and some twenty writes a second are fine; beyond that set DATABASE_URL=postgres://…"
        return [Warning("The database is SQLite.", hint=hint, id="core.W001")]
    return []
