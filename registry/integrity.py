"""Check that artifacts on disk are still the registered ones, without hashing a file inside a request.

Loading an artifact always verifies its hash. Pages, the admin, and `/readyz` use this module instead, which reads only file
sizes and times. An artifact that was modified or replaced after its registration is hashed in a background thread, once per
modification, and is reported as intact until the result is known. If it cannot be read, it is hashed again some time later.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from django.conf import settings

from inference.artifacts import hash_artifact, list_files
from inference.errors import ArtifactMismatch, InferenceError, ModelUnavailable
from registry.models import ModelVersion
from registry.references import ModelReference
from registry.serving import get_pool, get_spec, get_standby

RETRY_SECONDS = 10  # between attempts to hash an artifact that cannot be read

FileStates = tuple[tuple[str, int, int, int], ...]
"""For each file: its path inside the artifact, inode, size in bytes, and modification time in nanoseconds."""


def find_artifact_problem(version: ModelVersion) -> str:
    """Return `artifact-mismatch`, `model-unavailable` (cannot be read), or an empty string for an intact artifact."""
    path = Path(settings.MODEL_ROOT, version.artifact)
    try:
        states, changed_ns = _read_states(path)
    except (OSError, InferenceError):
        return ModelUnavailable.code
    if sum(size for _, _, size, _ in states) != version.size:
        return ArtifactMismatch.code
    if changed_ns <= version.created_at.timestamp() * 1e9:
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


def _read_states(path: Path) -> tuple[FileStates, int]:
    """Return the states of the files of an artifact, and the time of the last change to one of them in nanoseconds.

    This is the time when the operating system last changed the file or its metadata. Unlike the modification time, it is
    not copied with the file, so a replaced file is noticed even if the new file is older.
    """
    files = [path / name for name in list_files(path)] if path.is_dir() else [path]
    stats = [(file.relative_to(path.parent).as_posix(), file.stat()) for file in files]
    states = tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats)
    return states, max(max(stat.st_mtime_ns, stat.st_ctime_ns) for _, stat in stats)


@dataclass(frozen=True, slots=True)
class _Check:
    """The hash of an artifact whose files have these states.

    Args:
        has_failed: an earlier attempt could not read the artifact.
    """

    states: FileStates
    future: Future[str]
    started: float
    has_failed: bool = False


class _BackgroundHashes:
    """Hashes of modified artifacts, computed one at a time in a background thread. Only the latest one of each is stored."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="artifact-hash")
        self._lock = threading.Lock()
        self._checks: dict[Path, _Check] = {}

    def find_problem(self, path: Path, states: FileStates, sha256: str) -> str:
        check = self._get_check(path, states)
        if not check.future.done() or check.future.cancelled():
            return ModelUnavailable.code if check.has_failed else ""
        if isinstance(check.future.exception(), OSError | InferenceError):
            return ModelUnavailable.code
        return "" if check.future.result() == sha256 else ArtifactMismatch.code

    def wait(self) -> None:
        with self._lock:
            futures = [check.future for check in self._checks.values()]
        wait(futures)

    def _get_check(self, path: Path, states: FileStates) -> _Check:
        """Return the check of an artifact in these states. Start it if there is none, or if it failed some time ago."""
        with self._lock:
            check = self._checks.get(path)
            if check and check.states == states:
                future = check.future
                has_failed = future.done() and future.exception() is not None
                if not has_failed or monotonic() < check.started + RETRY_SECONDS:
                    return check
            else:
                has_failed = False
                if check:
                    check.future.cancel()  # if the hash of the earlier states has not started
            future = self._executor.submit(hash_artifact, path)
            check = self._checks[path] = _Check(states, future, monotonic(), has_failed)
            return check


_hashes = _BackgroundHashes()
