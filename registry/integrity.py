"""Check that artifacts on disk are still the registered ones, without hashing a file inside a request.

Loading an artifact always verifies its hash. Pages, the admin, and `/readyz` use this module instead, which reads only file
sizes and modification times. An artifact that was modified after its registration is hashed in a background thread, once per
modification, and is reported as intact until the result is known.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from django.conf import settings

from inference.artifacts import hash_artifact, list_files
from inference.errors import ArtifactMismatch, InferenceError, ModelUnavailable
from registry.models import ModelVersion
from registry.references import ModelReference
from registry.serving import get_pool, get_spec, get_standby

FileStates = tuple[tuple[str, int, int, int], ...]
"""For each file: its path inside the artifact, inode, size in bytes, and modification time in nanoseconds."""


def find_artifact_problem(version: ModelVersion) -> str:
    """Return `artifact-mismatch`, `model-unavailable` (cannot be read), or an empty string for an intact artifact."""
    path = Path(settings.MODEL_ROOT, version.artifact)
    try:
        states = _read_states(path)
    except (OSError, InferenceError):
        return ModelUnavailable.code
    if sum(size for _, _, size, _ in states) != version.size:
        return ArtifactMismatch.code
    registered_ns = version.created_at.timestamp() * 1e9
    if all(modified_ns <= registered_ns for *_, modified_ns in states):
        return ""
    return _hashes.find_problem(path, states, version.sha256)


def find_damaged_versions() -> dict[str, str]:
    """Return the problem of each damaged version that an alias points to, by `name:number`."""
    versions = ModelVersion.objects.served().select_related("model")
    problems = {str(version): find_artifact_problem(version) for version in versions}
    return {name: problem for name, problem in problems.items() if problem}


def get_serving_version(version: ModelVersion, reference: ModelReference) -> ModelVersion | None:
    """Return the version that serves a reference: this version, its standby if the artifact is damaged, or None."""
    if not find_artifact_problem(version) or get_pool().is_loaded(get_spec(version)):
        return version
    return get_standby(version, reference)


def wait_for_checks() -> None:
    """Wait until all pending hashes are computed."""
    _hashes.wait()


def _read_states(path: Path) -> FileStates:
    files = [path / name for name in list_files(path)] if path.is_dir() else [path]
    stats = [(file.relative_to(path.parent).as_posix(), file.stat()) for file in files]
    return tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


class _BackgroundHashes:
    """Hashes of modified artifacts, computed one at a time in a background thread."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="artifact-hash")
        self._lock = threading.Lock()
        self._pending: dict[tuple[Path, FileStates], Future[str]] = {}

    def find_problem(self, path: Path, states: FileStates, sha256: str) -> str:
        with self._lock:
            key = (path, states)
            future = self._pending.get(key)
            if future is None:
                future = self._pending[key] = self._executor.submit(hash_artifact, path)
        if not future.done():
            return ""
        if isinstance(future.exception(), OSError | InferenceError):
            return ModelUnavailable.code
        return "" if future.result() == sha256 else ArtifactMismatch.code

    def wait(self) -> None:
        with self._lock:
            futures = list(self._pending.values())
        for future in futures:
            future.exception()


_hashes = _BackgroundHashes()
