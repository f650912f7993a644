"""What `manage.py check` says about this installation, without loading a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register

from predictions.operations.windows import LAG


@register()
def check_folders(**options: Any) -> list[Error]:
    """MEDIA_ROOT and MODEL_ROOT can be written to, or made."""
    errors = []
    for name in ("MEDIA_ROOT", "MODEL_ROOT"):
        folder = Path(getattr(settings, name))
        if folder.exists() and not folder.is_dir():
            errors.append(Error(f"{name} is not a folder: {folder}", id="predictions.E001"))
    return errors


@register()
def check_lag(**options: Any) -> list[Warning]:
    """An answer is stored before its hour is counted."""
    if LAG.total_seconds() < settings.PREDICT_TIMEOUT:
        hint = f"Set it to {LAG.total_seconds():.0f} seconds or less."
        return [
            Warning(
                "PREDICT_TIMEOUT is longer than Operations waits for an hour's last answers.",
                hint=hint,
                id="predictions.W002",
            )
        ]
    return []


@register(deploy=True)
def check_sqlite_in_production(**options: Any) -> list[Warning]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "One machine and some twenty writes a second are fine; beyond that set DATABASE_URL=postgres://…"
        return [Warning("The database is SQLite.", hint=hint, id="predictions.W001")]
    return []
