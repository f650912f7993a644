"""A real S3 server (moto) in another process, and fixtures that store files in a bucket of it."""

from __future__ import annotations

import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.storage import default_storage

from core.tests.waiting import wait_until

OBJECT_STORAGE = "core.object_storage.ObjectStorage"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and a client that does not belong to the site."""

    name: str
    client: Any

    def list_names(self) -> list[str]:
        return [row["Key"] for row in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket=self.name, Key=name)["Body"].read()

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=name, Body=data)


def find_free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def accepts_connections(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def s3_process() -> Iterator[subprocess.Popen[bytes]]:
    """Start a server. The last of its arguments is the port."""
    port = find_free_port()
    command = [sys.executable, "-m", "moto.server", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: process.poll() is not None or accepts_connections(port), 60)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def s3_server(s3_process) -> str:
    """Return the URL of the server."""
    return f"http://127.0.0.1:{s3_process.args[-1]}"


@pytest.fixture(scope="session")
def s3_client(s3_server) -> Any:
    """Return a client that does not belong to the site."""
    import boto3

    keys = {"aws_access_key_id": "test-key", "aws_secret_access_key": "test-secret"}
    return boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)


@pytest.fixture
def s3_settings(s3_server, settings, monkeypatch) -> str:
    """Let clients of the site use the server, and return its URL."""
    for name, value in (("ACCESS_KEY_ID", "test-key"), ("SECRET_ACCESS_KEY", "test-secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings.S3_ENDPOINT_URL, settings.S3_REGION = s3_server, "us-east-1"
    return s3_server


@pytest.fixture
def bucket(s3_settings, s3_client, settings) -> Bucket:
    """Store the files of the site in a new bucket."""
    settings.S3_BUCKET = f"test-{uuid.uuid4().hex}"
    settings.S3_PREFIX = "site"
    s3_client.create_bucket(Bucket=settings.S3_BUCKET)
    use_object_storage(settings)
    return Bucket(settings.S3_BUCKET, s3_client)


def use_object_storage(settings) -> None:
    """Create the storage again, with the current settings."""
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": OBJECT_STORAGE}}
    assert default_storage.is_remote
