"""System checks of the settings of a site in production. They run with `check --deploy`."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import Resolver404, resolve
from django.views.static import serve

from core.urls import LOCAL_HOSTS
from inference.preprocessing.images import DECODERS

SAFE_DECODERS = {"JPEG", "PNG", "WEBP"}
MAX_TIMEOUT_SECONDS = 5.0  # within which a request gets an error if the database does not respond
MAX_PREDICT_SECONDS = 60.0
DEBUG_KEY = "only-for-debug"


@register(deploy=True)
def check_secret_key(**options: Any) -> list[CheckMessage]:
    """Check that the key is not a known or repeated text. Django's check security.W009 checks its length."""
    key = settings.SECRET_KEY
    if DEBUG_KEY in key or key in (key + key)[1:-1]:
        hint = "Set SECRET_KEY to a random text. `make env` creates a .env with one."
        return [Error("SECRET_KEY can be guessed.", hint=hint, id="core.E004")]
    return []


@register(deploy=True)
def check_public_media(**options: Any) -> list[CheckMessage]:
    """Check that no URL serves the uploaded files without a check of permissions."""
    roots = [("STATIC_ROOT", settings.STATIC_ROOT), ("WHITENOISE_ROOT", getattr(settings, "WHITENOISE_ROOT", None))]
    roots += [("STATICFILES_DIRS", folder) for folder in settings.STATICFILES_DIRS]
    errors: list[CheckMessage] = []
    for name in ("MEDIA_ROOT", "MODEL_ROOT", "VAR_DIR"):
        for public_name, public in roots:
            if public and Path(getattr(settings, name)).resolve().is_relative_to(Path(public).resolve()):
                hint = f"Set {name} to a folder outside {public}."
                errors.append(Error(f"{name} is inside {public_name}, whose files are public.", hint=hint, id="core.E005"))
    if settings.MEDIA_URL not in ("", "/"):
        try:
            view = resolve(f"/{settings.MEDIA_URL.strip('/')}/image.png").func
        except Resolver404:
            view = None
        if view is serve:
            hint = "Remove the URL pattern of MEDIA_URL. The site serves the files itself, and checks permissions."
            errors.append(Error("A URL serves MEDIA_ROOT to everyone.", hint=hint, id="core.E006"))
    return errors


@register(deploy=True)
def check_static_files(**options: Any) -> list[CheckMessage]:
    """Check that `collectstatic` has found each static file. Otherwise, the pages that use the file fail."""
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        return []
    collected = staticfiles_storage.hashed_files
    missing = [path for finder in get_finders() for path, _ in finder.list([]) if Path(path).as_posix() not in collected]
    if missing:
        message = f"{len(missing)} static files are not collected, such as {missing[0]}. Pages that use them fail."
        return [Error(message, hint="Run collectstatic, and restart the server.", id="core.E017")]
    return []


@register(deploy=True)
def check_image_formats(**options: Any) -> list[CheckMessage]:
    """Check that Pillow decodes only the formats that the site accepts. Other decoders run on untrusted files too."""
    others = sorted(set(DECODERS) - SAFE_DECODERS)
    if others:
        hint = "Remove them from DECODERS in inference/preprocessing/images.py."
        return [Error(f"Pillow decodes formats that are not safe: {', '.join(others)}", hint=hint, id="core.E007")]
    return []


@register(deploy=True)
def check_timeouts(**options: Any) -> list[CheckMessage]:
    """Check that each wait of a request ends."""
    warnings: list[CheckMessage] = []
    if not 0 < settings.DATABASE_TIMEOUT <= MAX_TIMEOUT_SECONDS:
        hint = f"Set it to a number of seconds up to {MAX_TIMEOUT_SECONDS:g}."
        message = f"DATABASE_TIMEOUT is {settings.DATABASE_TIMEOUT:g}: requests hang if the database does not respond."
        warnings.append(Warning(message, hint=hint, id="core.W002"))
    if settings.DATABASE_JOB_TIMEOUT <= 0:
        message = "DATABASE_JOB_TIMEOUT is 0: background work waits without a limit for a statement."
        warnings.append(Warning(message, hint="Set it to a number of seconds, for example 3600.", id="core.W003"))
    if not 0 < settings.PREDICT_TIMEOUT <= MAX_PREDICT_SECONDS:
        message = f"PREDICT_TIMEOUT is {settings.PREDICT_TIMEOUT:g}: requests wait too long for a model that hangs."
        hint = f"Set it to a number of seconds up to {MAX_PREDICT_SECONDS:g}."
        warnings.append(Warning(message, hint=hint, id="core.W004"))
    return warnings


@register(deploy=True)
def check_permissions(**options: Any) -> list[CheckMessage]:
    """Check that other users of the machine cannot read the files of the site."""
    paths, media = [Path(settings.VAR_DIR)], Path(settings.MEDIA_ROOT)
    if not media.resolve().is_relative_to(Path(settings.VAR_DIR).resolve()):
        paths.append(media)
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        paths.append(Path(settings.DATABASES["default"]["NAME"]))
    if env_file := os.environ.get("ENV_FILE", str(settings.BASE_DIR / ".env")):
        paths.append(Path(env_file))
    warnings: list[CheckMessage] = []
    for path in paths:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        is_shared = path == media and settings.X_ACCEL_LOCATION  # nginx is in the group of the folder
        if mode & (0o027 if is_shared else 0o077):
            allowed = "0750" if is_shared else "0700" if path.is_dir() else "0600"
            message = f"Other users of the machine can open {path} (mode {mode:04o})."
            warnings.append(Warning(message, hint=f"Run: chmod {allowed} {path}", id="core.W005"))
    return warnings


@register(deploy=True)
def check_hosts(**options: Any) -> list[CheckMessage]:
    """Check the host names, and the settings that belong to a proxy."""
    warnings: list[CheckMessage] = []
    hosts = set(settings.ALLOWED_HOSTS)
    if "*" in hosts:
        hint = "List the host names of the site."
        warnings.append(Warning("ALLOWED_HOSTS accepts every host name.", hint=hint, id="core.W006"))
    elif hosts <= LOCAL_HOSTS:
        hint = "Add the host name of the site, for example mlsite.example.org."
        warnings.append(Warning("ALLOWED_HOSTS contains only this machine.", hint=hint, id="core.W007"))
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        hint = "Set TRUSTED_PROXIES to the number of proxies, which is usually 1."
        message = "TRUSTED_PROXIES is 0: all users appear to have the address of the proxy."
        warnings.append(Warning(message, hint=hint, id="core.W008"))
    if settings.DEMO_PASSWORD:
        hint = "Set DEMO_PASSWORD to an empty text, and deactivate the user `demo`."
        warnings.append(Warning("DEMO_PASSWORD is set: the demo account is a superuser.", hint=hint, id="core.W009"))
    return warnings
