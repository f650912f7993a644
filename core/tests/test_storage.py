import errno
import os
import resource
import threading
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from core.storage import DurableFileSystemStorage, StorageFull


@pytest.fixture
def storage(tmp_path):
    return DurableFileSystemStorage(location=tmp_path / "media")


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_keeps_the_exact_bytes_and_no_temporary_file(storage, tmp_path):
    name = storage.save("inputs/ab/cd/x.png", ContentFile(b"\0\x01" * 1000))
    assert Path(storage.path(name)).read_bytes() == b"\0\x01" * 1000
    assert files_below(tmp_path / "media") == ["inputs/ab/cd/x.png"]


def test_never_overwrites(storage):
    first, second = (storage.save("a.txt", ContentFile(text)) for text in (b"one", b"two"))
    assert first != second
    assert Path(storage.path(first)).read_bytes() == b"one"


def test_syncs_the_file_then_renames_then_syncs_the_folder(storage, monkeypatch):
    steps = []
    fsync, rename = os.fsync, os.rename

    def watched_fsync(descriptor):
        steps.append(("fsync", "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"))
        fsync(descriptor)

    def watched_rename(old, new):
        steps.append(("rename", ""))
        rename(old, new)

    storage.save("inputs/ab/first.png", ContentFile(b"x"))
    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "rename", watched_rename)
    storage.save("inputs/ab/second.png", ContentFile(b"x"))
    assert steps == [("fsync", "file"), ("rename", ""), ("fsync", "folder")]


def test_new_folders_are_made_durable(storage, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    storage.save("inputs/ab/x.png", ContentFile(b"x"))
    root = storage.location
    for folder in (os.path.dirname(root), root, f"{root}/inputs", f"{root}/inputs/ab"):
        assert folder in synced


def test_a_rename_that_fails_leaves_no_temporary_file(storage, monkeypatch, tmp_path):
    def full(old, new):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(StorageFull):
        storage.save("x.png", ContentFile(b"x"))
    assert files_below(tmp_path / "media") == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_and_leaves_nothing(storage, monkeypatch, tmp_path, code):
    def full(descriptor):
        raise OSError(code, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        (tmp_path / "media").mkdir()
        storage.save("x.png", ContentFile(b"x" * 5000))
    assert files_below(tmp_path / "media") == []


def test_a_file_size_limit_is_told_and_the_partial_file_removed(storage, tmp_path):
    """The limit is the system's own, as `prlimit --fsize` sets it; what is written up to it is real."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFull):
            storage.save("x.png", ContentFile(b"x" * 300_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_below(tmp_path / "media") == []
    assert storage.save("x.png", ContentFile(b"x" * 300_000)) == "x.png"


def test_many_threads_save_at_once(storage, tmp_path):
    def save(number):
        storage.save(f"inputs/{number % 3}/{number}.png", ContentFile(str(number).encode()))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files_below(tmp_path / "media")) == 40
