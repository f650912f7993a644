"""Are the artifacts still the ones that were registered? Asked often, so their bytes are read only when needed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from inference.artifacts import artifact_sha256, files_of
from inference.errors import ArtifactMismatch, InferenceError, ModelUnavailable
from predictions.models import ModelVersion

Seen = tuple[tuple[str, int, int, int], ...]
"""Of each file its path inside, its inode, its size in bytes and its time of change in nanoseconds."""


def artifact_problem(version: ModelVersion) -> str:
    """Return `artifact-mismatch` or `model-unavailable` (it cannot be read); empty when all is well.

    An artifact of the right size that was not written to since its registration is taken to be the same; every load hashes
    it anyway. Otherwise it is hashed, once for each change.
    """
    path = Path(settings.MODEL_ROOT, version.artifact)
    try:
        seen = _look(path)
        if sum(size for _, _, size, _ in seen) != version.size:
            return ArtifactMismatch.code
        registered = version.created_at.timestamp() * 1e9
        unchanged = all(changed <= registered for *_, changed in seen)
        return "" if unchanged or _hash(path, seen) == version.sha256 else ArtifactMismatch.code
    except (OSError, InferenceError):
        return ModelUnavailable.code


def damaged_versions() -> dict[str, str]:
    """Return what is wrong with each version's artifact, by `name:number`, where something is."""
    versions = ModelVersion.objects.select_related("model").only(
        "number", "artifact", "sha256", "size", "created_at", "model__name"
    )
    found = {str(version): artifact_problem(version) for version in versions}
    return {name: problem for name, problem in found.items() if problem}


def _look(path: Path) -> Seen:
    files = [path / name for name in files_of(path)] if path.is_dir() else [path]
    stats = [(file.relative_to(path.parent).as_posix(), file.stat()) for file in files]
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


@lru_cache(maxsize=1024)
def _hash(path: Path, seen: Seen) -> str:
    return artifact_sha256(path)
