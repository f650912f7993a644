"""Artifacts on their way into MODEL_ROOT."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from django.conf import settings
from django.core.files.base import File

from core.storage import DurableFileSystemStorage
from inference.artifacts import hash_artifact, hash_file, list_files
from inference.errors import ArtifactMismatch

SHORT = 16  # hexadecimal digits of a hash in a path


def copy_artifact(artifact: Path, *, name: str, sha256: str) -> str:
    """Copy a file or folder below MODEL_ROOT, under its hash: the same one is kept once. Return its path there.

    Raises:
        ArtifactMismatch: when it was changed after its hash was taken.
    """
    storage = _storage()
    places = (f"{name}/{sha256[:SHORT]}{f'-{number}' if number else ''}/{artifact.name}" for number in count())
    target = next(place for place in places if _is_free_or_same(Path(storage.path(place)), sha256))
    if not storage.exists(target):
        _copy(artifact, target, storage)
        if hash_artifact(Path(storage.path(target))) != sha256:
            raise ArtifactMismatch(f"{artifact.name} was changed while it was being registered. Try again.")
    return target


def _is_free_or_same(path: Path, sha256: str) -> bool:
    return not path.exists() or hash_artifact(path) == sha256


def copy_picture(picture: Path, *, name: str) -> str:
    """Copy the picture of an example below MODEL_ROOT, and return its path there."""
    storage = _storage()
    target = f"{name}/examples/{hash_file(picture)[:SHORT]}{picture.suffix.lower()}"
    if storage.exists(target):
        return target
    with picture.open("rb") as file:
        return storage.save(target, File(file))


def _copy(artifact: Path, target: str, storage: DurableFileSystemStorage) -> None:
    pairs = [(artifact / inside, f"{target}/{inside}") for inside in list_files(artifact)] if artifact.is_dir() else []
    for source, place in pairs or [(artifact, target)]:
        with source.open("rb") as file:
            storage.save(place, File(file))


def _storage() -> DurableFileSystemStorage:
    return DurableFileSystemStorage(location=settings.MODEL_ROOT)
