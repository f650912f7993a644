"""The object storage, with a real S3 server in another process."""

import hashlib
import io
import os
import socket
import time
from contextlib import closing

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from core import availability, object_reader, object_storage, storage_checks
from core.availability import BucketCheck
from core.object_storage import ObjectStorage
from core.storage_errors import StorageFull, StorageUnavailable
from core.tests.buckets import find_free_port, use_object_storage

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("objects")]


@pytest.fixture
def storage(bucket) -> ObjectStorage:
    return default_storage


@pytest.fixture
def stub(storage):
    """Return the botocore stubber of the client, for responses that moto does not send."""
    from botocore.stub import Stubber

    with Stubber(storage.connection.meta.client) as stubber:
        yield stubber


def test_a_file_is_stored_byte_for_byte(storage, bucket):
    data = b"\0\x01" * 1000
    storage.save("inputs/ab/1.png", ContentFile(data))
    storage.save_bytes("inputs/ab/2.png", data)
    storage.save_all([("inputs/ab/3.png", data)])
    names = [f"inputs/ab/{number}.png" for number in (1, 2, 3)]
    assert bucket.list_names() == [f"site/{name}" for name in names]
    for name in names:
        assert bucket.read(f"site/{name}") == storage.open(name).read() == data
        stored = bucket.client.head_object(Bucket=bucket.name, Key=f"site/{name}", ChecksumMode="ENABLED")
        assert (stored["ContentType"], "ChecksumSHA256" in stored) == ("image/png", True)
    assert (storage.exists(name), storage.exists("inputs/ab/y.png"), storage.size(name)) == (True, False, 2000)


def test_a_streamed_file_is_stored_and_removed_from_the_disk(storage, bucket, settings, tmp_path):
    descriptor, path = storage.open_temporary_file()
    os.write(descriptor, b"a,b\n1,2\n")
    sha256 = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    with pytest.raises(StorageUnavailable):
        settings.S3_CONDITIONAL_WRITES = False
        storage.bucket_name, name = "missing-bucket", storage.bucket_name
        storage.adopt_file("batch-jobs/a.csv", descriptor, path, sha256=sha256)
    assert os.path.exists(path)
    storage.bucket_name = name
    assert storage.adopt_file("batch-jobs/a.csv", descriptor, path, sha256=sha256) == "batch-jobs/a.csv"
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 8
    os.close(descriptor)
    assert (os.path.exists(path), bucket.read("site/batch-jobs/a.csv")) == (False, b"a,b\n1,2\n")


def test_an_object_is_never_overwritten_and_a_repeated_request_is_accepted(storage, bucket):
    storage.save_bytes("a.txt", b"one")
    assert storage.save_bytes("a.txt", b"one") == "a.txt"
    with pytest.raises(StorageUnavailable, match="as it was sent"):
        storage.save_bytes("a.txt", b"two")
    assert bucket.read("site/a.txt") == b"one"


def test_if_one_of_many_files_is_not_stored_none_remains(storage, bucket):
    bucket.write("site/b.txt", b"taken")
    with pytest.raises(StorageUnavailable):
        storage.save_all([("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"three")])
    assert bucket.list_names() == ["site/b.txt"]


def test_an_upload_is_confirmed_by_its_checksum(storage, stub):
    md5 = hashlib.md5(b"x").hexdigest()
    stub.add_response("put_object", {"ETag": f'"{md5}"'})
    assert storage.save_bytes("a.txt", b"x") == "a.txt"
    for field in ("ChecksumSHA256", "ETag"):
        stub.add_response("put_object", {field: "another"})
        with pytest.raises(StorageUnavailable, match="as it was sent"):
            storage.save_bytes("b.txt", b"x")


SERVER_ERRORS = [
    ("QuotaExceeded", 403, StorageFull),
    ("XMinioStorageFull", 507, StorageFull),
    ("SlowDown", 503, StorageUnavailable),
    ("InternalError", 500, StorageUnavailable),
    ("NoSuchBucket", 404, StorageUnavailable),
    ("AccessDenied", 403, StorageUnavailable),
    ("SignatureDoesNotMatch", 403, StorageUnavailable),
]


def test_the_errors_of_servers_are_those_of_disks(storage, stub):
    for code, status, expected in SERVER_ERRORS:
        stub.add_client_error("put_object", code, http_status_code=status)
        with pytest.raises(StorageUnavailable) as caught:
            storage.save_bytes("a.txt", b"x")
        assert type(caught.value) is expected, code
        assert str(caught.value)


def test_a_missing_file_is_not_an_unavailable_storage(storage):
    for read in (storage.open, storage.size):
        with pytest.raises(FileNotFoundError) as caught:
            read("inputs/ab/x.png")
        assert not isinstance(caught.value, StorageUnavailable)
    storage.delete("inputs/ab/x.png")
    storage.bucket_name = "missing-bucket"
    with pytest.raises(StorageUnavailable):
        storage.open("inputs/ab/x.png")


def test_objects_are_read_in_blocks_at_any_position(storage, monkeypatch):
    monkeypatch.setattr(object_reader, "BLOCK_BYTES", 7)
    data = bytes(range(100))
    storage.save_bytes("a.bin", data)
    storage.save_bytes("empty.bin", b"")
    with storage.open("a.bin") as file, io.BytesIO(data) as expected:
        for offset, whence, size in ((3, 0, 20), (-5, 1, 3), (-10, 2, 30), (0, 0, -1), (50, 0, 0), (200, 0, 5)):
            assert file.seek(offset, whence) == expected.seek(offset, whence)
            assert file.read(size) == expected.read(size)
            assert file.tell() == expected.tell()
        with pytest.raises(ValueError, match="position"):
            file.seek(-1)
    assert storage.open("empty.bin").read() == b""


def test_an_object_that_changes_while_it_is_read_is_an_error(storage, bucket, monkeypatch):
    monkeypatch.setattr(object_reader, "BLOCK_BYTES", 7)
    storage.save_bytes("a.bin", bytes(20))
    with storage.open("a.bin") as file:
        bucket.write("site/a.bin", b"x" * 20)
        with pytest.raises(StorageUnavailable):
            file.read()


def test_files_are_listed_page_by_page_in_the_order_of_their_names(storage, bucket):
    names = sorted(f"inputs/{n % 3:02}/{n:03}.png" for n in range(7))
    for name in names:
        storage.save_bytes(name, name.encode())
    bucket.write("inputs/00/other-site.png", b"x")
    files = list(storage.iterate_files("inputs", page_size=2))
    assert [file.name for file in files] == names
    assert {file.size for file in files} == {len(names[0])}
    assert [file.name for file in storage.iterate_files("inputs/01")] == [n for n in names if "/01/" in n]
    assert list(storage.iterate_files("thumbnails")) == []


def test_a_server_that_is_gone_or_silent_is_unavailable_within_the_timeout(settings, bucket):
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{find_free_port()}"
    use_object_storage(settings)
    with pytest.raises(StorageUnavailable):
        default_storage.save_bytes("a.txt", b"x")
    with closing(socket.create_server(("127.0.0.1", 0), backlog=20)) as silent:
        settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings.S3_TIMEOUT = 0.2
        use_object_storage(settings)
        started = time.monotonic()
        with pytest.raises(StorageUnavailable):
            default_storage.size("a.txt")
        assert time.monotonic() - started < 8


def test_the_check_of_the_bucket_fails_and_recovers(settings, bucket, monkeypatch):
    check = BucketCheck()
    check.run()
    settings.S3_BUCKET, name = "missing-bucket", settings.S3_BUCKET
    check.run()  # the last result is valid for some seconds
    monkeypatch.setattr(availability, "monotonic", lambda: 1e12)
    with pytest.raises(StorageUnavailable):
        check.run()
    settings.S3_BUCKET = name
    monkeypatch.setattr(availability, "monotonic", lambda: 2e12)
    check.run()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"S3_BUCKET": ""}, []),
        ({}, []),
        ({"S3_ENDPOINT_URL": "storage.example.org"}, ["core.E019"]),
        ({"S3_ENDPOINT_URL": "https://storage.example.org"}, []),
        ({"S3_URL_SECONDS": 301}, ["core.E020"]),
        ({"S3_URL_SECONDS": -1}, ["core.E020"]),
        ({"S3_TIMEOUT": 0}, ["core.E021"]),
        ({"MAX_BATCH_FILE_BYTES": 2**40}, ["core.E022"]),
        ({"S3_ENDPOINT_URL": "http://storage.example.org"}, ["core.W011"]),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9000"}, []),
    ],
)
def test_settings_are_checked(settings, values, expected):
    settings.S3_BUCKET = "images"
    for name, value in values.items():
        setattr(settings, name, value)
    found = [*storage_checks.check_object_storage(), *storage_checks.check_encrypted_storage()]
    assert [message.id for message in found] == expected


def test_missing_packages_are_reported(settings, monkeypatch):
    settings.S3_BUCKET = "images"
    monkeypatch.setattr(storage_checks, "find_spec", lambda name: None)
    assert [message.id for message in storage_checks.check_object_storage()] == ["core.E018"]


def test_objects_are_only_read(storage):
    with pytest.raises(ValueError, match="only read"):
        storage.open("a.txt", "wb")
    assert object_storage.LISTED_PER_REQUEST == 1000  # the most that S3 allows
