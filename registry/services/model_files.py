"""Copy artifacts and example images into MODEL_ROOT."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile, File

from core.storage import DurableFileSystemStorage, remove_files
from inference.artifacts import hash_artifact, hash_file, list_files
from inference.errors import ArtifactMismatch

PATH_HASH_DIGITS = 16  # hexadecimal digits of the SHA-256 in a path


def copy_artifact(*, artifact: Path, name: str, sha256: str) -> str:
    """Copy an artifact into MODEL_ROOT, unless it is already there. Return its path relative to MODEL_ROOT.

    The path contains the hash, so that versions with the same artifact share one copy.

    Raises:
        ArtifactMismatch: the artifact no longer has this hash.
        StorageUnavailable: MODEL_ROOT cannot be written. No copy remains.
        OSError: the artifact cannot be read.
    """
    storage = _get_storage()
    folders = (f"{name}/{sha256[:PATH_HASH_DIGITS]}{f'-{number}' if number else ''}" for number in count())
    paths = (f"{folder}/{artifact.name}" for folder in folders)
    target = next(path for path in paths if _is_free_or_same(Path(storage.path(path)), sha256))
    if not storage.exists(target):
        try:
            _copy_files(artifact, target, storage)
            if hash_artifact(Path(storage.path(target))) != sha256:
                raise ArtifactMismatch(f"{artifact.name} changed during registration. Try again.")
        except BaseException:  # an incomplete copy would take the path of the next one
            _remove_copy(Path(storage.path(target)))
            raise
    return target


def store_converted(data: bytes, *, artifact: str, sha256: str, suffix: str) -> str:
    """Write a converted network next to its artifact, unless it is already there. Return its path relative to MODEL_ROOT.

    Args:
        artifact: path of the artifact relative to MODEL_ROOT.
        sha256: of the data. It is part of the path, because two conversions of one artifact can differ.
    """
    storage = _get_storage()
    target = f"{artifact}.{sha256[:PATH_HASH_DIGITS]}{suffix}"
    if storage.exists(target) and hash_file(Path(storage.path(target))) != sha256:
        Path(storage.path(target)).unlink()  # damaged, so that versions that refer to it run their artifact
    return target if storage.exists(target) else storage.save(target, ContentFile(data))


def copy_example_image(*, image: Path, name: str) -> str:
    """Copy the image of an example into MODEL_ROOT. Return its path relative to MODEL_ROOT."""
    storage = _get_storage()
    target = get_example_target(image=image, name=name)
    if storage.exists(target):
        return target
    with image.open("rb") as file:
        return storage.save(target, File(file))


def get_example_target(*, image: Path, name: str) -> str:
    """Return the path relative to MODEL_ROOT to which the image of an example is copied. It contains the hash."""
    return f"{name}/examples/{hash_file(image)[:PATH_HASH_DIGITS]}{image.suffix.lower()}"


def get_example_path(image: str) -> Path:
    """Return the absolute path of an example image of a registered version."""
    return Path(settings.MODEL_ROOT, image)


def _is_free_or_same(path: Path, sha256: str) -> bool:
    return not path.exists() or hash_artifact(path) == sha256


def _copy_files(artifact: Path, target: str, storage: DurableFileSystemStorage) -> None:
    names = list_files(artifact) if artifact.is_dir() else []
    pairs = [(artifact / name, f"{target}/{name}") for name in names] or [(artifact, target)]
    for source, destination in pairs:
        with source.open("rb") as file:
            storage.save(destination, File(file))


def _remove_copy(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        remove_files([str(path)])


def _get_storage() -> DurableFileSystemStorage:
    return DurableFileSystemStorage(location=settings.MODEL_ROOT)
