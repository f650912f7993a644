"""Say which version answers."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User
from core.validators import validate_name
from registry.errors import UnknownModel
from registry.models import Alias, AliasChange, ModelVersion
from registry.querysets import PRODUCTION
from registry.references import resolve_version
from registry.services.verify import verify_version

logger = logging.getLogger(__name__)


def promote_model(*, name: str, number: int, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Point an alias at a version that works, and keep who did it. Pointing back is the same call.

    The version is verified, loaded and asked its examples first. When it fails the alias stays where it is.

    Raises:
        UnknownModel: no such version.
        ArtifactMismatch, ModelError: it does not load, or does not answer as it did.
    """
    validate_name(alias)
    version = ModelVersion.objects.select_related("model").filter(model__name=name, number=number).first()
    if version is None:
        resolve_version(f"{name}:{number}")  # says what is missing
        raise UnknownModel(f"There is no version {number} of a model {name!r}.")
    verify_version(version)
    return move_alias(version, alias=alias, user=user)


def move_alias(version: ModelVersion, *, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Point an alias at a version that has been verified just now."""
    with transaction.atomic():
        row, created = Alias.objects.select_for_update().get_or_create(
            model=version.model, name=alias, defaults={"version": version}
        )
        previous = None if created else row.version
        row.version = version
        row.save(update_fields=["version"])
        change = AliasChange.objects.create(
            model=version.model, alias=alias, from_version=previous, to_version=version, changed_by=user
        )
    logger.info("alias moved", extra={"alias": str(row), "version": version.number, "user": str(user.pk if user else "")})
    return change
