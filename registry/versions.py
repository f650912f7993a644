"""Model versions by ID, cached."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from registry.models import ModelVersion

MAX_CACHED_VERSIONS = 1024


@lru_cache(maxsize=MAX_CACHED_VERSIONS)
def get_version(version_id: UUID) -> ModelVersion:
    """Return a version with its model. Requests share the object, so use only the version and the model's name.

    Neither of them ever changes.

    Raises:
        ModelVersion.DoesNotExist: there is no such version.
    """
    return ModelVersion.objects.select_related("model").get(pk=version_id)
