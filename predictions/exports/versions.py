"""What the exported rows of a model version share."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from registry.versions import MAX_CACHED_VERSIONS, get_version


class ExportedVersion(NamedTuple):
    """The exported values of a version. The names of the features are in the order of the signature."""

    model: str
    number: int
    features: tuple[str, ...]


@lru_cache(maxsize=MAX_CACHED_VERSIONS)
def get_exported_version(version_id: UUID) -> ExportedVersion:
    """Return the exported values of a version."""
    version = get_version(version_id)
    features = tuple(feature.name for feature in version.parsed_signature.input.features)
    return ExportedVersion(version.model.name, version.number, features)
