"""Retention policies remove the files of batch jobs, and their items stay."""

import pytest
from django.urls import reverse

from core import leases
from mlsite.tests.retention import SCHEDULE, count_all, verify
from predictions.batch_jobs.files import JobFileRemoved
from predictions.batch_jobs.results import iterate_results
from predictions.models import BatchJob, BatchJobItem, RetentionRun
from predictions.services.batch_jobs import cancel_batch_job, chunks, retry_batch_job, run_batch_job
from predictions.services.retention import apply_policy, preview_policy, set_retention
from predictions.tests.batch_jobs import list_items, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import list_stored_files

pytestmark = pytest.mark.django_db


def test_the_items_of_batch_jobs_stay(shades, user, later):
    job = run_job(make_job(user, make_image_zip(2), model="shades"))
    count_all(later)
    policy = set_retention(model=shades.model, image_days=None, row_days=30)
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later).predictions == 2
    assert BatchJobItem.objects.filter(job=job, error_code="data-removed").count() == 2
    assert len(list_items(job)) == 2
    verify()


@pytest.mark.parametrize(("image_days", "row_days"), [(30, None), (None, 30), (20, 30)])
def test_archives_of_batch_jobs_are_removed(shades, user, later, settings, image_days, row_days):
    job = run_job(make_job(user, make_image_zip(2), model="shades"))
    count_all(later)
    policy = set_retention(model=shades.model, image_days=image_days, row_days=row_days)
    assert preview_policy(policy=policy, now=later).job_files == 1
    assert apply_policy(policy=policy, trigger=SCHEDULE, now=later).job_files == 1
    assert list_stored_files(settings) == []
    job.refresh_from_db()
    assert [line[0] for line in iterate_results(job)] == ["file", "images/0000.png", "images/0001.png"]
    assert RetentionRun.objects.get().removed_job_files == 1
    BatchJob.objects.update(status="failed", error_code="model-failed")
    with pytest.raises(JobFileRemoved):
        retry_batch_job(job=job)
    verify()


def test_tables_of_batch_jobs_are_removed_with_their_rows(flowers, user, client, later, settings):
    client.force_login(user)
    job = run_job(make_job(user, make_rows(2)))
    count_all(later)
    for days, expected in ((None, 0), (40, 0), (30, 1)):
        policy = set_retention(model=flowers.model, image_days=1, row_days=days)
        assert preview_policy(policy=policy, now=later).job_files == expected
        assert apply_policy(policy=policy, trigger=SCHEDULE, now=later).job_files == expected
    assert list_stored_files(settings) == []
    job.refresh_from_db()
    assert [line[0] for line in iterate_results(job)] == ["row", "Line 2", "Line 3"]
    assert client.get(job.get_absolute_url()).status_code == 200
    BatchJob.objects.update(status="failed", error_code="model-failed")
    problem = client.post(reverse("api:batch-job-retry", args=[job.pk]))
    assert (problem.status_code, problem.json()["code"]) == (410, "data-removed")
    verify()


def test_a_retry_does_not_count_removed_items_as_failed(shades, user, later, monkeypatch):
    monkeypatch.setattr(chunks, "FIRST_CHUNK_ITEMS", 2)
    job = make_job(user, make_image_zip(6), model="shades")
    monkeypatch.setattr(leases, "SLICE_SECONDS", -1)
    run_batch_job(str(job.pk))
    cancel_batch_job(job=job)
    BatchJob.objects.update(completed_at=later)  # so that its file stays
    count_all(later)
    policy = set_retention(model=shades.model, image_days=None, row_days=30)
    removed = apply_policy(policy=policy, trigger=SCHEDULE, now=later).predictions
    job = cancel_batch_job(job=retry_batch_job(job=job))
    assert 0 < removed < 6
    assert (job.succeeded_items, job.failed_items) == (removed, 0)
    verify()
