"""Point an alias to a model version."""

from __future__ import annotations

import logging

from django.db import transaction

from accounts.models import User
from core.validators import validate_name
from registry.models import Alias, AliasChange, ModelVersion
from registry.querysets import PRODUCTION
from registry.references import resolve_version
from registry.services.verify import verify_version

logger = logging.getLogger(__name__)


def promote_model(*, name: str, number: int, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Verify a version, point an alias to it, and record the change. To roll back, promote the previous version.

    Raises:
        ValidationError: the alias is not a valid name.
        UnknownModel: there is no such version.
        ArtifactMismatch, ModelError: the version does not load, or does not reproduce its examples. The alias is unchanged.
        Overloaded: there is no room to load the version.
    """
    validate_name(alias)
    version = resolve_version(f"{name}:{number}")
    verify_version(version=version)
    return move_alias(version=version, alias=alias, user=user)


def move_alias(*, version: ModelVersion, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Point an alias to a version that the caller has just verified. Create the alias if it does not exist."""
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
