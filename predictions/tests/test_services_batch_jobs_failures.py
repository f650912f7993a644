"""Batch jobs with models that fail and files that are missing: what was processed stays, and can be continued."""

import pytest

from predictions.batch_jobs.progress import get_progress
from predictions.models import BatchJob, Prediction
from predictions.services.batch_jobs import WrongJobStatus, cancel_batch_job, retry_batch_job
from predictions.tests.batch_jobs import list_items, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import list_stored_files, make_prediction
from predictions.tests.runtimes import SwitchedRuntime
from registry.services import register_model
from registry.serving import build_pool
from registry.tests.factories import damage_artifact, get_artifact_path, set_runtime

pytestmark = pytest.mark.django_db


def test_failed_predictions_are_retried(shades, user, write_dummy, monkeypatch):
    folder = write_dummy(name="switched")
    set_runtime(folder, "predictions.tests.runtimes.SwitchedRuntime")
    SwitchedRuntime.is_open.set()
    register_model(path=folder, promote=True, trusted=True)
    make_prediction(user, model="switched")  # loads the model
    monkeypatch.setattr(SwitchedRuntime, "error", RuntimeError("broken"))
    job = run_job(make_job(user, make_image_zip(3, **{"bad.png": b"x"}), "switched"))
    assert list_items(job) == [(1, "model-failed"), (2, "model-failed"), (3, "model-failed"), (4, "invalid-image")]
    assert (job.succeeded_items, job.failed_items) == (0, 4)
    retry_batch_job(job=job)
    job.refresh_from_db()
    assert (job.status, get_progress(job).remaining) == ("queued", 3)
    cancel_batch_job(job=job)
    job.refresh_from_db()
    assert (job.failed_items, get_progress(job).remaining) == (4, 0)
    monkeypatch.setattr(SwitchedRuntime, "error", None)
    job = run_job(retry_batch_job(job=job))
    assert list_items(job) == [(1, "black"), (2, "black"), (3, "black"), (4, "invalid-image")]
    assert (job.succeeded_items, job.failed_items, Prediction.objects.count()) == (3, 1, 7)
    with pytest.raises(WrongJobStatus):
        retry_batch_job(job=job)


def test_a_model_that_does_not_load_fails_the_job(flowers, user, short_waits):
    job = make_job(user, make_rows(3), "flowers:1")
    content = get_artifact_path(flowers).read_bytes()
    damage_artifact(flowers)
    run_job(job)
    assert (job.status, job.error_code, job.items.count()) == ("failed", "artifact-mismatch", 0)
    restore_artifact(flowers, content)
    job = run_job(retry_batch_job(job=job))
    assert (job.status, job.succeeded_items, job.error_code) == ("succeeded", 3, "")


def restore_artifact(version, content):
    get_artifact_path(version).write_bytes(content)
    build_pool().close()
    build_pool.cache_clear()


def test_a_missing_file_fails_the_job(flowers, user):
    job = make_job(user, make_rows(3))
    job.file.storage.delete(job.file.name)
    run_job(job)
    assert (job.status, job.error_code) == ("failed", "stored-file-missing")


def test_a_file_that_has_become_shorter_fails_the_job(flowers, user, settings):
    job = make_job(user, make_rows(3))
    (path,) = list_stored_files(settings)
    path.write_text(make_rows(2))
    assert (run_job(job).error_code, len(list_items(job))) == ("stored-file-damaged", 2)


def test_a_full_disk_fails_the_job_without_traces(shades, user, fill_disk, short_waits, settings):
    with pytest.raises(OSError, match="No space"):
        make_job(user, make_image_zip(2), "shades")
    assert not BatchJob.objects.exists()
    assert list_stored_files(settings) == []
