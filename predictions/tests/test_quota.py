"""The daily quota of a user, on all ways to make predictions."""

import json

import pytest

from accounts.models import Usage
from accounts.services.usage import LimitReached
from core.tests.problems import assert_problem
from predictions.models import BatchJob, Prediction
from predictions.services.batch_jobs import start_batch_job
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
