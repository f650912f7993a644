"""System checks of an installation. They do not load models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register


@register()
def check_folders(**options: Any) -> list[Error]:
    """Check that MEDIA_ROOT and MODEL_ROOT are folders, or do not exist yet."""
    errors = []
    for name in ("MEDIA_ROOT", "MODEL_ROOT"):
        folder = Path(getattr(settings, name))
        if folder.exists() and not folder.is_dir():
            hint = f"Set {name} to a folder. It is created when the first file is stored."
            errors.append(Error(f"{name} is not a folder: {folder}", hint=hint, id="core.E001"))
    return errors


@register(deploy=True)
def check_sqlite_in_production(**options: Any) -> list[Warning]:
    """Warn about SQLite, which allows only one writer at a time."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "SQLite is suitable for one server and about 20 writes per second. For a higher load, set DATABASE_URL=postgres://…"
        return [Warning("The database is SQLite.", hint=hint, id="core.W001")]
    return []
