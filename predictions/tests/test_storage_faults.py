"""Refused writes leave no files, and files that cannot be read are not called missing."""

import resource
from contextlib import contextmanager

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError, connection
from django.utils import timezone
from uuid_utils.compat import uuid7

import core.tasks
from accounts.services.idempotency import Claim
from core.group_commit import GroupCommit
from core.tests.problems import assert_problem
from inference.tests.factories import make_noise_image
from predictions.models import BatchJob, BatchJobImage, Input, Prediction
from predictions.services import batch_jobs, storage
from predictions.services.batch_jobs import add_images
from predictions.services.inserts import insert_predictions
from predictions.tests.batch_jobs import make_image_zip, make_job
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction, make_upload

pytestmark = pytest.mark.once

COMMIT_TRIGGERS = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON predictions_prediction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON predictions_batchjob DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON predictions_batchjobimage DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@contextmanager
def fill_database():
    """Let the database refuse to store more: SQLite has no free page, PostgreSQL fails at COMMIT as on a full disk."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(COMMIT_TRIGGERS)
            yield
            cursor.execute("DROP FUNCTION refuse CASCADE")
            return
        cursor.execute("VACUUM")  # rows that other tests deleted left free pages
        cursor.execute("PRAGMA max_page_count")
        (before,) = cursor.fetchone()
        cursor.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the number of pages there are
        yield
        cursor.execute(f"PRAGMA max_page_count = {before}")


def send_image(api, **headers):
    data = {"image": make_upload(make_noise_image(1)), "model": "shades", "client_reference": "x" * 250}
    return api.post(PREDICTIONS_URL, data, headers=headers)


def send_job(api):
    return api.post(
        "/api/v1/batch-jobs/", {"file": ContentFile(make_image_zip(2), name="x" * 200 + ".zip"), "model": "shades"}
    )


MAX_IMAGE_BYTES = 4000  # less than a page of the database
WRITES = {
    "group": send_image,
    "key": lambda api: send_image(api, idempotency_key=str(uuid7())),
    "background": lambda api: send_image(api, prefer="respond-async"),
    "batch job": send_job,
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("send", WRITES.values(), ids=WRITES)
def test_a_full_database_leaves_no_file(shades, api, settings, tasks, monkeypatch, send):
    monkeypatch.setitem(core.tasks._tasks, batch_jobs.TASK_NAME, tasks.append)  # nothing runs in other threads
    assert send(api).status_code in (201, 202)
    count, files = Prediction.objects.count(), list_stored_files(settings)
    with fill_database():
        responses = [send(api) for _ in range(40 if connection.vendor == "sqlite" else 1)]
    refused = [response for response in responses if response.status_code >= 400]
    assert refused
    assert_problem(refused[-1], 503, "database-unavailable")
    stored = len(responses) - len(refused)
    assert len(list_stored_files(settings)) == len(files) + stored
    assert Prediction.objects.count() + BatchJob.objects.count() >= count + stored


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("send", WRITES.values(), ids=WRITES)
def test_a_commit_that_cannot_be_written_leaves_no_file(shades, api, settings, tasks, monkeypatch, send):
    """The operating system refuses to extend the write-ahead log, as with `prlimit --fsize`."""
    if connection.vendor != "sqlite":
        pytest.skip("the server of PostgreSQL is another process")
    monkeypatch.setitem(core.tasks._tasks, batch_jobs.TASK_NAME, tasks.append)
    send(api)
    monkeypatch.setattr("accounts.api.idempotency.claim_key", lambda **arguments: Claim(uuid7(), timezone.now()))
    monkeypatch.setattr(Claim, "complete", lambda claim, response: None)
    files = list_stored_files(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_IMAGE_BYTES, hard))
    try:
        response = send(api)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_problem(response, 503, "database-unavailable")
    assert list_stored_files(settings) == files
    assert send(api).status_code in (201, 202)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, OperationalError])
@pytest.mark.parametrize("place", ["in the transaction", "while waiting for the leader", "while leading"])
def test_an_interrupted_write_leaves_no_file(shades, user, settings, monkeypatch, error, place):
    def fail(*arguments):
        raise error

    options = {"in_transaction": fail} if place == "in the transaction" else {}
    if place == "while leading":
        monkeypatch.setattr("predictions.services.inserts._execute_inserts", lambda *arguments, **options: fail())
    if place == "while waiting for the leader":
        group = GroupCommit(insert_predictions)
        group._has_leader = True
        monkeypatch.setattr(group, "_wait", fail)
        monkeypatch.setattr(storage, "_group", group)
    with pytest.raises(error):
        make_prediction(user, **options)
    assert not Input.objects.exists()
    is_unknown = connection.vendor == "postgresql" and place == "while leading" and not issubclass(error, Exception)
    assert len(list_stored_files(settings)) == is_unknown  # a single statement may have been committed


@pytest.mark.django_db
def test_images_of_a_job_that_are_not_added_leave_no_file(shades, user, settings):
    job = make_job(user, None, "shades")

    def fail(results):
        raise KeyboardInterrupt

    files = [ContentFile(make_noise_image(seed), name="a.png") for seed in range(2)]
    with pytest.raises(KeyboardInterrupt):
        add_images(job=job, files=files, in_transaction=fail)
    files[1].size = None  # its size cannot be compared
    with pytest.raises(TypeError):
        add_images(job=job, files=files)
    assert not BatchJobImage.objects.exists() and list_stored_files(settings) == []
