"""Modified artifacts are detected, and no request waits until a file is hashed."""

import hashlib
import os
import resource
from pathlib import Path

import pytest

from core.tests.admin_urls import get_change_url, get_list_url
from registry.integrity import find_artifact_problem, find_damaged_versions, wait_for_checks
from registry.models import ModelVersion
from registry.services.promote import move_alias
from registry.tests.factories import Pipe, damage_artifact, get_artifact_path

pytestmark = pytest.mark.django_db
LATER = (2**31, 2**31)


@pytest.fixture
def pipe(flowers, settings):
    pipe = Pipe(Path(settings.MODEL_ROOT, "pipe"))
    yield pipe
    pipe.close()


@pytest.fixture
def pipe_version(flowers, pipe):
    """Return a served version whose artifact is the pipe."""
    sha256 = hashlib.sha256(b"").hexdigest()
    fields = {"runtime": "dummy", "signature": flowers.signature, "sha256": sha256, "size": 0}
    version = ModelVersion.objects.create(model=flowers.model, number=2, artifact=pipe.path.name, **fields)
    move_alias(version=version, alias="staging")
    return version


def test_no_request_waits_for_a_hash(pipe_version, pipe, client, superuser):
    client.force_login(superuser)
    urls = ["/models/", "/models/flowers/", "/?model=flowers@staging", "/api/v1/models/"]
    urls += [get_list_url("modelversion"), get_change_url(pipe_version)]
    with pipe.block_hash() as timed_out:
        assert client.get("/readyz").json()["problems"] == {}
        assert [client.get(url).status_code for url in urls] == [200] * len(urls)
        assert not timed_out.is_set()
    assert client.get("/readyz").json()["problems"] == {"flowers:2": "artifact-mismatch"}
    assert "Changed since registration" in client.get(get_list_url("modelversion")).content.decode()


def test_a_file_is_hashed_once_per_modification(pipe_version, pipe):
    with pipe.block_hash() as timed_out:
        assert find_artifact_problem(pipe_version) == ""
        assert not timed_out.is_set()
    with pipe.watch() as timed_out:
        for _ in range(2):
            assert find_artifact_problem(pipe_version) == "artifact-mismatch"
            wait_for_checks()  # waits for another hash of the pipe, if there is one
        assert not timed_out.is_set()


def test_a_file_that_was_not_modified_is_not_hashed(pipe_version, pipe):
    with pipe.watch() as timed_out:
        assert find_artifact_problem(pipe_version) == ""
        wait_for_checks()  # waits for a hash of the pipe, if there is one
        assert not timed_out.is_set()


def test_only_served_versions_are_checked(versions, client, superuser):
    damage_artifact(versions[1])
    assert find_damaged_versions() == {}
    client.force_login(superuser)
    page = client.get(get_list_url("modelversion")).content.decode()
    assert "Intact" in page
    assert "Not checked" in page
    assert "Changed since registration" not in page
    assert "Changed since registration" in client.get(get_change_url(versions[1])).content.decode()
    move_alias(version=versions[1], alias="staging")
    assert find_damaged_versions() == {"flowers:2": "artifact-mismatch"}
    assert "Changed since registration" in client.get(get_list_url("modelversion")).content.decode()


def test_a_change_of_the_same_length_is_detected_by_the_hash(versions):
    first, second = (get_artifact_path(version) for version in versions)
    os.utime(first, LATER)  # the content is the same
    second.write_text(second.read_text().replace("10", "11"))
    os.utime(second, LATER)
    for version in versions:
        find_artifact_problem(version)
    wait_for_checks()
    assert [find_artifact_problem(version) for version in versions] == ["", "artifact-mismatch"]


def test_a_missing_artifact_is_unavailable(versions):
    get_artifact_path(versions[1]).unlink()
    assert find_artifact_problem(versions[1]) == "model-unavailable"
    damage_artifact(versions[1])
    assert find_artifact_problem(versions[1]) == "artifact-mismatch"


def test_a_file_that_was_replaced_by_an_older_one_is_detected(versions, tmp_path):
    path = get_artifact_path(versions[1])
    older = tmp_path / "older"
    older.write_text(path.read_text().replace("10", "11"))
    os.utime(older, (0, 0))
    os.replace(older, path)
    find_artifact_problem(versions[1])
    wait_for_checks()
    assert find_artifact_problem(versions[1]) == "artifact-mismatch"


def test_a_file_that_could_not_be_read_is_read_again(versions, monkeypatch):
    monkeypatch.setattr("registry.integrity.RETRY_SECONDS", 0)
    os.utime(get_artifact_path(versions[0]), LATER)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # too many open files
    try:
        find_artifact_problem(versions[0])
        wait_for_checks()
        assert find_artifact_problem(versions[0]) == "model-unavailable"
        wait_for_checks()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert find_artifact_problem(versions[0]) == "model-unavailable"  # until it has been read
    wait_for_checks()
    assert find_artifact_problem(versions[0]) == ""


def test_only_the_last_hash_of_an_artifact_is_stored(pipe_version, pipe):
    for times in (LATER, (2**31, 2**31 + 1), LATER):  # the last state was hashed before
        with pipe.block_hash(*times) as timed_out:
            assert find_artifact_problem(pipe_version) == ""
            assert not timed_out.is_set()
        assert find_artifact_problem(pipe_version) == "artifact-mismatch"
