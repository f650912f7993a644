"""What the exported rows of a model version share."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from registry.versions import MAX_CACHED_VERSIONS, get_version


class ExportedVersion(NamedTuple):
    """The exported values of a version.

    Args:
        features: the names of the features in the order of the signature.
        scored_labels: the labels that a prediction has a score for.
    """

    model: str
    number: int
    features: tuple[str, ...]
    scored_labels: tuple[str, ...]


@lru_cache(maxsize=MAX_CACHED_VERSIONS)
def get_exported_version(version_id: UUID) -> ExportedVersion:
    """Return the exported values of a version."""
    version = get_version(version_id)
    signature = version.parsed_signature
    features = tuple(feature.name for feature in signature.input.features)
    scored_labels = tuple(version.labels) if signature.output.has_scores else ()
    return ExportedVersion(version.model.name, version.number, features, scored_labels)
