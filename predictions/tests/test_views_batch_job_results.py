"""The grid of a batch job of images, and what the Predict page shows again."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from inference.tests.factories import make_noise_image
from predictions.models import BatchJob, Prediction
from predictions.services.batch_jobs import add_images, create_batch_job, run_batch_job, start_batch_job
from predictions.tests.factories import change_predictions, make_upload
from registry.references import resolve_model

pytestmark = pytest.mark.django_db
BADGE = r'<span class="badge (\w+)">'


@pytest.fixture
def job(shades, signed_in, user):
    job = create_batch_job(user=user, resolved=resolve_model("shades", user=user), expected_items=5)
    files = [make_upload(make_noise_image(number), name=f"{number}.png") for number in range(3)]
    add_images(job=job, files=[*files, make_upload(b"no image", name="broken.png")])
    start_batch_job(job=job)
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    return job


def test_grid_shows_errors_then_doubtful_predictions_and_filters(job, signed_in):
    results = list(Prediction.objects.filter(batch_job_item__job=job).order_by("confidence"))
    url = reverse("predictions:batch-job-results", args=[job.pk])
    page = signed_in.get(url, headers={"HX-Request": "true"})
    items = page.context["items"]
    assert items[0].name == "broken.png"
    assert [item.prediction for item in items][1:] == sorted(
        (item.prediction for item in items[1:]), key=lambda prediction: prediction.confidence
    )
    label = results[0].label
    filtered = signed_in.get(url, {"label": label, "order": "upload", "pages": "x"}, headers={"HX-Request": "true"})
    assert {item.prediction.label for item in filtered.context["items"]} == {label}
    same = {"done": f"succeeded-{job.done_items}"}
    assert signed_in.get(url, same, headers={"HX-Request": "true"}).status_code == 204
    assert signed_in.get(url, {"label": label}).url == f"{job.get_absolute_url()}?label={label}"
    assert b"1 image was not uploaded" in page.content


def test_the_order_of_the_grid_is_named_by_what_it_sorts(job, signed_in):
    url = job.get_absolute_url()
    assert "Lowest confidence first" in signed_in.get(url).content.decode()
    change_predictions(confidence=None, margin=None)
    page = signed_in.get(url).content.decode()
    assert ("Errors first" in page, "Lowest confidence first" in page) == (True, False)


def test_predict_page_shows_the_last_job_and_its_digests(job, signed_in):
    page = signed_in.get(reverse("predictions:predict"), {"model": "shades"})
    assert (page.context["last_job"], len(page.context["grid"]["items"])) == (job, 4)
    assert re.findall(BADGE, page.content.decode()) == ["succeeded"]
    polled = signed_in.get(job.get_absolute_url(), {"title": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(BADGE, polled) == ["succeeded"]  # htmx replaces the status together with the progress
    assert '<span id="last-job-link" hx-swap-oob="innerHTML">4 images</span>' in polled
    BatchJob.objects.filter(pk=job.pk).update(completed_at=timezone.now() - timedelta(days=2))
    page = signed_in.get(reverse("predictions:predict"), {"model": "shades"})
    assert "grid" not in page.context
    assert re.findall(BADGE, page.content.decode()) == ["succeeded"]
    body = signed_in.get(reverse("predictions:batch-job-digests", args=[job.pk])).json()
    assert (body["status"], body["next_number"], len(body["images"])) == ("succeeded", 5, 3)
    retry = reverse("predictions:batch-job-retry", args=[job.pk])
    BatchJob.objects.filter(pk=job.pk).update(status="canceled")
    assert signed_in.post(retry, {"next": "/?model=shades"}).url == "/?model=shades"
