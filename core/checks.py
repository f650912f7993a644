"""System checks of an installation. They do not load models."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register

SCRIPT_NAME = re.compile(r"(/[A-Za-z0-9._~-]+)+")
BROKER_SCHEMES = ("amqp", "amqps", "redis", "rediss", "sentinel")


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


@register()
def check_broker(**options: Any) -> list[Error]:
    """Check that Celery is installed and that the broker is of a tested kind, if there is a broker. Do not connect to it."""
    if not settings.CELERY_BROKER_URL:
        return []
    if find_spec("celery") is None:
        hint = "Run make install-celery, or unset CELERY_BROKER_URL to run background work in the web server."
        return [Error("CELERY_BROKER_URL is set, but Celery is not installed.", hint=hint, id="core.E002")]
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if scheme not in BROKER_SCHEMES:
        hint = f"Use one of these schemes: {', '.join(BROKER_SCHEMES)}."
        return [Error(f"CELERY_BROKER_URL has an unknown scheme: {scheme or 'none'}", hint=hint, id="core.E003")]
    return []


@register()
def check_paths(**options: Any) -> list[Error]:
    """Check the path of the site on its host, and the location of nginx that sends images."""
    errors = []
    if settings.FORCE_SCRIPT_NAME and not SCRIPT_NAME.fullmatch(settings.FORCE_SCRIPT_NAME):
        hint = "Start it with a slash, and use only letters, digits, and -._~ between slashes, for example /models-site."
        errors.append(Error(f"FORCE_SCRIPT_NAME is not a path: {settings.FORCE_SCRIPT_NAME}", hint=hint, id="core.E023"))
    location = settings.X_ACCEL_LOCATION
    if location and not (location.endswith("/") and SCRIPT_NAME.fullmatch(location[:-1])):
        hint = "Start and end it with a slash, for example /stored-images/."
        errors.append(Error(f"X_ACCEL_LOCATION is not a location: {location}", hint=hint, id="core.E024"))
    return errors


@register(deploy=True)
def check_sqlite_in_production(**options: Any) -> list[Warning]:
    """Warn about SQLite, which allows only one writer at a time."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        hint = "SQLite is suitable for one server and about 20 writes per second. For a higher load, set DATABASE_URL=postgres://…"
        return [Warning("The database is SQLite.", hint=hint, id="core.W001")]
    return []
