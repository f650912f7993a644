"""System checks of the registered models. They read all artifacts in use, so they only run with `check --deploy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError, InterfaceError

from inference.artifacts import hash_artifact
from inference.errors import InferenceError
from registry.errors import UnknownModel
from registry.models import ModelVersion
from registry.references import resolve_model

HINT = "Restore the file from a backup, or register the model again and promote the new version."


@register(deploy=True)
def check_artifacts(**options: Any) -> list[CheckMessage]:
    """Check that the artifact of each version with an alias has the hash of its registration."""
    errors: list[CheckMessage] = []
    try:
        versions = list(ModelVersion.objects.served().select_related("model"))
    except (DatabaseError, InterfaceError):  # core.E010 reports a database that does not respond
        return []
    for version in versions:
        try:
            is_intact = hash_artifact(Path(settings.MODEL_ROOT, version.artifact)) == version.sha256
        except (OSError, InferenceError) as error:
            errors.append(Error(f"The artifact of {version} cannot be read: {error}", hint=HINT, id="registry.E001"))
            continue
        if not is_intact:
            errors.append(
                Error(f"The artifact of {version} differs from the registered one.", hint=HINT, id="registry.E002")
            )
    return errors


@register(deploy=True)
def check_default_model(**options: Any) -> list[CheckMessage]:
    """Check that DEFAULT_MODEL, if it is set, is the reference of a registered version."""
    if not settings.DEFAULT_MODEL:
        return []
    try:
        resolve_model(settings.DEFAULT_MODEL)
    except UnknownModel as error:
        hint = "Set it to the name of a model in production, or leave it empty for the first registered model."
        return [Warning(f"DEFAULT_MODEL: {error.message}", hint=hint, id="registry.W001")]
    except (DatabaseError, InterfaceError):  # core.E010 reports a database that does not respond
        return []
    return []
