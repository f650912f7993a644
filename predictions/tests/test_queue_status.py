"""The depth and age of the queue of background work: counts, /readyz, /metrics, the operations page, and the admin."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from core.tests.admin_urls import get_change_url, get_list_url
from predictions.models import BatchJob, Prediction, QueuedPrediction
from predictions.queue_status import STALLED_AFTER, get_queue_status
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
Status = BatchJob.Status


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def queue(shades, user, now):
    """Return a function that queues a prediction of an age in seconds."""

    def create(age=0, leased_for=None):
        source = make_prediction(user)
        prediction = Prediction.objects.create(
            input=source.input,
            model_version=shades,
            user=user,
            source="api",
            status="queued" if leased_for is None else "running",
        )
        leased_until = None if leased_for is None else now + timedelta(seconds=leased_for)
        return QueuedPrediction.objects.create(
            prediction=prediction, created_at=now - timedelta(seconds=age), leased_until=leased_until, enqueue_at=now
        )

    return create


@pytest.fixture
def add_job(shades, user, now):
    def create(status, age=0, leased_for=None):
        ended = now if status in BatchJob.FINAL_STATUSES else None
        leased_until = None if leased_for is None else now + timedelta(seconds=leased_for)
        code = "x" if status == Status.FAILED else ""
        return BatchJob.objects.create(
            user=user, model_version=shades, kind="table", status=status, completed_at=ended, leased_until=leased_until,
            created_at=now - timedelta(seconds=age), error_code=code,
        )  # fmt: skip

    return create


def test_an_empty_queue(now, django_assert_num_queries):
    with django_assert_num_queries(2):
        status = get_queue_status(now=now)
    assert status.is_empty
    assert not status.is_stalled
    assert status.predictions.oldest_seconds is status.batch_jobs.oldest_at is None


def test_rows_whose_worker_is_lost_are_waiting(queue, now):
    for age, leased_for in ((1, None), (30, -1), (99, 60)):
        queue(age, leased_for)
    length = get_queue_status(now=now).predictions
    assert (length.waiting, length.running, length.oldest_seconds) == (2, 1, 30)


def test_drafts_and_ended_jobs_are_not_counted(add_job, now):
    for status in Status:
        add_job(status, age=500)
    add_job(Status.QUEUED, age=20, leased_for=30)  # until its task is enqueued again
    add_job(Status.RUNNING, age=900, leased_for=30)
    length = get_queue_status(now=now).batch_jobs
    assert (length.waiting, length.running, length.oldest_seconds) == (3, 1, 500)


def test_work_that_waits_while_no_worker_is_busy_is_stalled(queue, add_job, now):
    queue(STALLED_AFTER.total_seconds() - 1)
    assert not get_queue_status(now=now).is_stalled
    queue(STALLED_AFTER.total_seconds() + 1)
    assert get_queue_status(now=now).is_stalled
    add_job(Status.RUNNING, leased_for=10)
    assert not get_queue_status(now=now).is_stalled


def test_readyz_describes_the_queue(client, queue):
    queue(1000)
    background = client.get("/readyz").json()["background"]
    assert background["status"] == "stalled"
    assert background["predictions"]["waiting"] == 1
    assert 1000 <= background["predictions"]["oldest_seconds"] < 1060
    assert background["batch_jobs"] == {"waiting": 0, "running": 0, "oldest_seconds": None}


def test_metrics_are_read_at_each_scrape(client, superuser, queue):
    client.force_login(superuser)
    line = 'mlsite_background_items{kind="prediction",state="waiting"}'
    assert f"{line} 0.0\n" in client.get("/metrics").content.decode()
    queue(100)
    content = client.get("/metrics").content.decode()
    assert f"{line} 1.0\n" in content
    assert 'mlsite_background_oldest_seconds{kind="prediction"} 10' in content
    assert content.count("# TYPE mlsite_background_items gauge") == 1
    assert "mlsite_predictions_total" in content


def test_the_operations_page_shows_the_queue(client, reviewer, queue, settings):
    client.force_login(reviewer)
    queue(1000)
    html = " ".join(client.get("/operations/").content.decode().split())
    assert "Background work" in html
    assert "16 min 4" in html  # seconds pass in the test
    assert "Work is waiting, but no worker is running it. Check the log of the server." in html
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert "Check that the broker, a Celery worker, and Celery beat are running." in " ".join(
        client.get("/operations/").content.decode().split()
    )


def test_the_admin_lists_work_and_its_actions_call_services(client, superuser, reviewer, queue, add_job):
    waiting, running, job = queue(5), queue(5, 60), add_job(Status.QUEUED)
    client.force_login(reviewer)
    html = client.get(get_list_url("queuedprediction")).content.decode()
    assert sorted(re.findall(r'<td class="field-state">([^<]*)</td>', html)) == ["queued", "running"]
    assert 'name="action"' not in html
    for row in (waiting, job):
        assert client.get(get_change_url(row)).status_code == 200
    client.post(get_list_url("queuedprediction"), {"action": "cancel", "_selected_action": [waiting.pk]})
    assert QueuedPrediction.objects.count() == 2
    client.force_login(superuser)
    data = {"action": "cancel", "_selected_action": [waiting.pk, running.pk]}
    assert "Canceled: 2" in client.post(get_list_url("queuedprediction"), data, follow=True).content.decode()
    assert not QueuedPrediction.objects.exists()
    data = {"action": "cancel", "_selected_action": [job.pk]}
    assert "Canceled: 1" in client.post(get_list_url("batchjob"), data, follow=True).content.decode()
    job.refresh_from_db()
    assert job.status == Status.CANCELED


def test_the_admin_shows_why_work_cannot_be_changed(client, superuser, add_job):
    client.force_login(superuser)
    job = add_job(Status.SUCCEEDED)
    for action in ("cancel", "retry"):
        response = client.post(get_list_url("batchjob"), {"action": action, "_selected_action": [job.pk]}, follow=True)
        assert "errorlist" in response.content.decode() or 'class="error"' in response.content.decode()
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED
