import errno
import os
import resource
import stat
import threading
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from core.storage import DurableFileSystemStorage
from core.storage_errors import StorageFull, StorageUnavailable

pytestmark = pytest.mark.once


@pytest.fixture
def storage(tmp_path):
    return DurableFileSystemStorage(location=tmp_path / "media")


@pytest.fixture(params=["save", "save_bytes", "save_all"])
def save(request, storage):
    """Return a function that stores bytes under a name, for each of the methods of the storage."""
    methods = {
        "save": lambda name, data: storage.save(name, ContentFile(data)),
        "save_bytes": storage.save_bytes,
        "save_all": lambda name, data: storage.save_all([(name, data)])[0],
    }
    return methods[request.param]


def list_files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_stored_byte_for_byte_without_a_temporary_file(save, storage, settings, tmp_path):
    name = save("inputs/ab/cd/x.png", b"\0\x01" * 1000)
    assert Path(storage.path(name)).read_bytes() == b"\0\x01" * 1000
    assert stat.S_IMODE(os.stat(storage.path(name)).st_mode) == settings.FILE_UPLOAD_PERMISSIONS == 0o640
    assert list_files(tmp_path / "media") == ["inputs/ab/cd/x.png"]


@pytest.mark.parametrize("name", ["..", "../x", "a/../../b", "a/b/../../../c", "/etc/passwd", "a/../../media2/b"])
def test_names_outside_the_folder_are_refused(storage, name):
    with pytest.raises(SuspiciousFileOperation):
        storage.path(name)


@pytest.mark.parametrize("name", ["a.png", "inputs/ab/x-1_2.png", "a..b", "a/b.", "a/../b", "a//b", "./a", ".", "", "é"])
def test_paths_are_those_of_django(storage, name):
    assert storage.path(name) == FileSystemStorage(location=storage.location).path(name)


def test_existing_files_are_not_overwritten(save, storage):
    first, second = (save("a.txt", text) for text in (b"one", b"two"))
    assert first != second
    assert Path(storage.path(first)).read_bytes() == b"one"


def test_the_file_is_synced_then_renamed_then_the_folder_is_synced(save, monkeypatch):
    steps = []
    fsync, rename = os.fsync, os.rename

    def record_fsync(descriptor):
        steps.append(("fsync", "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"))
        fsync(descriptor)

    def record_rename(old, new):
        steps.append(("rename", ""))
        rename(old, new)

    save("inputs/ab/first.png", b"x")
    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "rename", record_rename)
    save("inputs/ab/second.png", b"x")
    assert steps == [("fsync", "file"), ("rename", ""), ("fsync", "folder")]


def test_the_entries_of_new_folders_are_synced(save, storage, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    save("inputs/ab/x.png", b"x")
    root = storage.location
    for folder in (os.path.dirname(root), root, f"{root}/inputs", f"{root}/inputs/ab"):
        assert folder in synced


def test_a_failed_rename_leaves_no_temporary_file(save, monkeypatch, tmp_path):
    def fail(old, new):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(StorageFull):
        save("x.png", b"x")
    assert list_files(tmp_path / "media") == []


FULL, UNAVAILABLE = (
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    (errno.EIO, errno.EMFILE, errno.ENFILE, errno.EROFS, errno.ESTALE),
)


@pytest.mark.parametrize("operation", ["write", "fsync", "rename", "fsync of the folder"])
@pytest.mark.parametrize("code", [*FULL, *UNAVAILABLE], ids=errno.errorcode.get)
def test_an_error_of_the_disk_has_a_code_and_leaves_no_file(save, monkeypatch, tmp_path, code, operation):
    save("inputs/first.png", b"x")
    name = operation.split()[0]
    original, calls = getattr(os, name), []

    def fail(*arguments):
        calls.append(arguments)
        if "folder" not in operation or len(calls) > 1:
            raise OSError(code, os.strerror(code))
        return original(*arguments)

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(StorageUnavailable) as caught:
        save("inputs/second.png", b"x" * 5000)
    assert caught.value.code == ("storage-full" if code in FULL else "storage-unavailable")
    assert str(caught.value).endswith(".") and "Errno" not in str(caught.value)
    assert list_files(tmp_path / "media") == ["inputs/first.png"]


def test_the_first_error_is_raised_if_the_file_cannot_be_removed(save, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.EIO if len(arguments) == 1 else errno.ENOSPC, "failed")

    monkeypatch.setattr(os, "unlink", fail)
    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(StorageFull):
        save("x.png", b"x")


def test_a_process_without_free_descriptors_stores_nothing(save, storage, tmp_path):
    """The operating system enforces the limit."""
    save("inputs/first.png", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    for free in range(3):  # for the file, for its folder, and for the folders of many files
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + free, hard))
        try:
            name = save(f"inputs/{free}.png", b"x")
            storage.delete(name)
        except StorageUnavailable as error:
            assert "too many open files" in str(error)
        else:
            assert free
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert list_files(tmp_path / "media") == ["inputs/first.png"]


def test_a_missing_file_is_not_a_missing_folder(storage, tmp_path):
    storage.save_bytes("x.png", b"x")
    with pytest.raises(FileNotFoundError):
        storage.open("y.png")
    (tmp_path / "media").rename(tmp_path / "moved")
    with pytest.raises(StorageUnavailable, match="The folder for stored files is missing"):
        storage.open("x.png")


def test_the_file_size_limit_raises_storage_full_and_leaves_no_file(save, tmp_path):
    """The operating system enforces the limit, as with `prlimit --fsize`, after part of the file is written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFull):
            save("x.png", b"x" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list_files(tmp_path / "media") == []
    assert save("x.png", b"x" * 300_000) == "x.png"


def test_many_files_are_stored_and_their_folder_is_synced_last(storage, monkeypatch):
    files = [(f"inputs/ab/{number}.png", bytes([number]) * 10) for number in range(10)]
    storage.save_all(files[:1])
    steps = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    monkeypatch.setattr(os, "rename", lambda old, new: (steps.append(("renamed", old)), rename(old, new)))
    assert storage.save_all(files[1:]) == [name for name, _ in files[1:]]
    assert [Path(storage.path(name)).read_bytes() for name, _ in files] == [data for _, data in files]
    renamed = [step[1] for step in steps if isinstance(step, tuple)]
    assert len(renamed) == 9
    assert all(steps.index(path) < steps.index(("renamed", path)) for path in renamed)
    assert steps[-1] == f"{storage.location}/inputs/ab"
    assert steps.count(steps[-1]) == 1


@pytest.mark.parametrize("operation", ["fsync", "rename", "fsync of the folder"])
def test_no_file_remains_if_one_of_many_fails(storage, monkeypatch, tmp_path, operation):
    storage.save_all([("inputs/ab/first.png", b"x")])
    function = operation.split()[0]
    original, calls = getattr(os, function), []

    def fail_once(*arguments):
        calls.append(arguments)
        if len(calls) == (10 if "folder" in operation else 5):  # the folder is synced after nine files
            raise OSError(errno.ENOSPC, "full")
        return original(*arguments)

    monkeypatch.setattr(os, function, fail_once)
    with pytest.raises(StorageFull):
        storage.save_all([(f"inputs/ab/{number}.png", b"x") for number in range(9)])
    assert list_files(tmp_path / "media") == ["inputs/ab/first.png"]


def test_threads_can_save_at_the_same_time(save, tmp_path):
    def save_numbered(number):
        save(f"inputs/{number % 3}/{number}.png", str(number).encode())

    threads = [threading.Thread(target=save_numbered, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_files(tmp_path / "media")) == 40
