"""Are the artifacts still the ones that were registered? Asked often, so their bytes are read only when needed."""

from __future__ import annotations

import threading
from pathlib import Path

from django.conf import settings

from inference.artifacts import artifact_sha256, files_of
from inference.errors import ArtifactMismatch, InferenceError, ModelUnavailable
from predictions.models import ModelVersion
from predictions.registry import get_pool, spec_of, standby_for

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
        return "" if unchanged or _is_same(path, seen, version.sha256) else ArtifactMismatch.code
    except (OSError, InferenceError):
        return ModelUnavailable.code


def answering(version: ModelVersion, reference: str) -> ModelVersion | None:
    """Return the version that answers for a reference: this one, the one before when its artifact is damaged, or none."""
    if not artifact_problem(version) or get_pool().is_loaded(spec_of(version)):
        return version
    return standby_for(version, reference)


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


def _is_same(path: Path, seen: Seen, sha256: str) -> bool:
    """Hash a file that was written to, one at a time: while one request reads it, others take it to be what it was."""
    if (path, seen) not in _hashes:
        if not _hashing.acquire(blocking=False):
            return True
        try:
            _hashes[path, seen] = artifact_sha256(path)
        finally:
            _hashing.release()
    return _hashes[path, seen] == sha256


_hashes: dict[tuple[Path, Seen], str] = {}
_hashing = threading.Lock()
