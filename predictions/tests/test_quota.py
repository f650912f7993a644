"""The daily quota of a user, on all ways to make predictions."""

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import Usage
from accounts.services.usage import LimitReached
from core.leases import LeaseLost
from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import BatchJob, BatchJobImage, Prediction
from predictions.services.batch_jobs import (
    add_images,
    cancel_batch_job,
    requeue_lost_jobs,
    retry_batch_job,
    start_batch_job,
)
from predictions.services.batch_jobs.leases import claim_job
from predictions.services.batch_jobs.run import _JobRun
from predictions.services.batch_jobs.states import UPLOAD_PAUSE_SECONDS
from predictions.tests.batch_jobs import make_job, make_rows, run_job
from predictions.tests.factories import PREDICTIONS_URL
from predictions.tests.request_builders import ROW

pytestmark = pytest.mark.django_db
QUOTA = 3
FORM = {"model": "flowers", "feature-0": "4", "feature-1": "5", "feature-2": "white"}


@pytest.fixture(autouse=True)
def quota(settings):
    settings.DAILY_QUOTA = QUOTA


def send(api, features=ROW, path="", **headers):
    body = json.dumps({"model": "flowers", "features": features})
    return api.post(PREDICTIONS_URL + path, body, "application/json", headers=headers)


def test_the_api_refuses_more_predictions(flowers, api):
    statuses = [send(api).status_code, send(api, [ROW], "batch/").status_code, send(api, Prefer="respond-async").status_code]
    assert statuses == [201, 200, 202]
    for response in (send(api), send(api, [ROW], "batch/"), send(api, Prefer="respond-async"), send(api, Prefer="wait=5")):
        problem = assert_problem(response, 429, "quota-exceeded")
        assert "daily quota" in problem["detail"]
        assert 0 < int(response["Retry-After"]) <= 86400
    assert Prediction.objects.count() == QUOTA


def test_a_batch_that_is_too_large_stores_nothing(flowers, api):
    assert_problem(send(api, [ROW] * 4, "batch/"), 429, "quota-exceeded")
    assert send(api, [ROW] * 3, "batch/").status_code == 200


def test_invalid_inputs_do_not_count(flowers, api, user):
    assert send(api, {"petals": 5}).status_code == 400
    assert not Usage.objects.filter(user=user).exists()


def test_the_quota_of_a_user_overrides_the_setting(flowers, api, user):
    user.daily_quota = 1
    user.save()
    assert [send(api).status_code for _ in range(2)] == [201, 429]


def test_batch_jobs_count_their_rows_when_they_start(flowers, user):
    with pytest.raises(LimitReached):
        make_job(user, make_rows(4))
    assert not BatchJob.objects.exists()
    draft = make_job(user, make_rows(4), start=False)
    with pytest.raises(LimitReached):
        start_batch_job(job=draft)
    draft.refresh_from_db()
    assert draft.status == BatchJob.Status.DRAFT
    assert run_job(make_job(user, make_rows(3))).status == BatchJob.Status.SUCCEEDED
    with pytest.raises(LimitReached):
        make_job(user, make_rows(1))


def test_a_canceled_draft_counts_when_it_is_retried(flowers, user):
    jobs = [cancel_batch_job(job=make_job(user, make_rows(count), start=False)) for count in (4, 3)]
    with pytest.raises(LimitReached):
        retry_batch_job(job=jobs[0])
    jobs[0].refresh_from_db()
    assert jobs[0].status == BatchJob.Status.CANCELED
    with pytest.raises(LimitReached):  # still, after a failed attempt
        retry_batch_job(job=jobs[0])
    job = cancel_batch_job(job=retry_batch_job(job=jobs[1]))
    assert run_job(retry_batch_job(job=job)).status == BatchJob.Status.SUCCEEDED  # it counts once


def test_an_upload_that_stops_counts_when_it_is_started(shades, user):
    uploads = [make_job(user, None, "shades") for _ in range(2)]
    for job in uploads:
        add_images(job=job, files=[ContentFile(make_image(shade)) for shade in (0, 255)])
    BatchJobImage.objects.update(created_at=timezone.now() - timedelta(seconds=UPLOAD_PAUSE_SECONDS + 1))
    assert requeue_lost_jobs() == 1
    assert sorted(job.status for job in BatchJob.objects.all()) == ["draft", "queued"]


def test_the_worker_counts_the_rows_of_large_tables(flowers, user, monkeypatch):
    monkeypatch.setattr("predictions.services.batch_jobs.create.MAX_COUNTED_BYTES", 0)
    job = run_job(make_job(user, make_rows(4)))
    assert (job.status, job.error_code) == (BatchJob.Status.FAILED, "quota-exceeded")


def test_the_page_shows_that_the_quota_is_used_up(flowers, client, user):
    user.daily_quota = 0
    user.save()
    client.force_login(user)
    response = client.post("/", FORM)
    assert response.status_code == 429
    assert "daily quota" in response.content.decode()


def test_a_job_that_is_canceled_while_its_rows_are_counted_counts_them_once(flowers, user, monkeypatch):
    monkeypatch.setattr("predictions.services.batch_jobs.create.MAX_COUNTED_BYTES", 0)
    job = make_job(user, make_rows(QUOTA))
    worker = _JobRun(claim_job(str(job.pk)))
    cancel_batch_job(job=job)
    with pytest.raises(LeaseLost):
        worker.run()
    job.refresh_from_db()
    job = run_job(retry_batch_job(job=job))
    assert (job.status, job.succeeded_items) == (BatchJob.Status.SUCCEEDED, QUOTA)
