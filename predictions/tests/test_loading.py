"""A model that is being loaded, slowly: requests wait, and no failed prediction is stored."""

import threading

import pytest

from predictions.models import Prediction
from predictions.services.batch_jobs import run_batch_job, start_batch_job
from predictions.tests.batch_jobs import list_items, make_image_zip, make_job, run_job
from predictions.tests.factories import make_image_file
from predictions.tests.queued import queue_image, run
from registry import serving
from registry.serving import get_pool

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks", "short_waits")]
REQUESTS = (
    ("/", {}),
    ("/", {"HX-Request": "true"}),
    ("/api/v1/predictions/", {}),
    ("/api/v1/predictions/batch/", {}),
)


@pytest.fixture
def loads(shades, settings, monkeypatch):
    """Let loads wait until the returned event is set. Callers wait for them only for a moment."""
    loads, load = threading.Event(), get_pool()._load

    def load_slowly(spec):
        assert loads.wait(30)
        return load(spec)

    settings.PREDICT_TIMEOUT = 0.05
    monkeypatch.setattr(serving, "STANDBY_SECONDS", 0.01)
    monkeypatch.setattr(get_pool(), "_load", load_slowly)
    yield loads
    loads.set()


def test_each_entry_point_waits_for_a_load(loads, client, user, settings):
    client.force_login(user)
    queued = queue_image(user)
    job = make_job(user, make_image_zip(2), "shades")
    start_batch_job(job=job)

    def send_all():
        for url, headers in REQUESTS:
            yield client.post(url, {"model": "shades", "image": make_image_file()}, headers=headers).status_code

    assert list(send_all()) == [503, 503, 503, 503]
    for _ in range(2):
        assert run(queued).status == "queued"
        run_batch_job(str(job.pk))
        job.refresh_from_db()
        assert (job.status, job.error_code, job.attempts, list_items(job)) == ("queued", "", 0, [])
    assert list(Prediction.objects.values_list("status", flat=True)) == ["queued"]
    loads.set()
    settings.PREDICT_TIMEOUT = 10
    assert list(send_all()) == [302, 201, 201, 200]
    assert run(queued).status == "succeeded"
    job = run_job(job)
    assert (job.status, job.succeeded_items, job.failed_items) == ("succeeded", 2, 0)
    assert not Prediction.objects.exclude(status="succeeded").exists()
