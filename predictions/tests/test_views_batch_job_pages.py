"""The page of a batch job."""

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.services.removal import anonymize_user
from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions.batch_jobs import grid
from predictions.batch_jobs.presentation import list_failures
from predictions.models import BatchJob, BatchJobItem
from predictions.services.batch_jobs import add_images, cancel_batch_job, run_batch_job
from predictions.tests.batch_job_pages import make_archive, make_table
from predictions.tests.factories import make_image_file, make_prediction
from predictions.views.batch_jobs import preview

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HTMX = {"hx-request": "true"}
LIST_URL, NEW_URL = "/batch-jobs/", "/batch-jobs/new/"


# --- progress


def test_page_polls_until_the_batch_job_is_final(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers")
    page = signed_in.get(job.get_absolute_url()).content.decode()
    (url,) = re.findall(r'hx-get="([^"]+)"', page)
    url = url.replace("&amp;", "&")
    unchanged = signed_in.get(url, headers=HTMX).content.decode()
    assert "job-actions" not in unchanged
    assert "<title>0% · rows.csv" in unchanged
    run_batch_job(str(job.pk))
    fragment = signed_in.get(url, headers=HTMX).content.decode()
    for element in ("job-status", "job-actions", "job-failures", "job-labels", "job-table"):
        assert f'id="{element}"' in fragment
    assert "every 1s" not in fragment
    assert "Line 3" in fragment


def test_fragment_for_other_pages_has_the_progress_only(shades, signed_in, make_job):
    job = make_job(make_archive())
    fragment = signed_in.get(job.get_absolute_url(), headers=HTMX).content.decode()
    assert f'hx-get="{job.get_absolute_url()}"' in fragment
    assert "hx-swap-oob" not in fragment
    assert "<title>" not in fragment


def test_polling_needs_few_queries(flowers, signed_in, make_job, django_assert_max_num_queries):
    job = make_job(make_table(), "flowers")
    with django_assert_max_num_queries(4):  # the session, the user, the permissions, the job
        signed_in.get(job.get_absolute_url(), {"status": "queued", "failures": "0"}, headers=HTMX)


def test_uploaded_images_are_shown_while_and_after_they_are_uploaded(shades, signed_in, make_job):
    job = make_job(model="shades")
    assert "Draft The images are being uploaded." in get_text(signed_in.get(job.get_absolute_url()))
    add_images(job=job, files=[make_image_file(make_image(0), f"{number}.png") for number in range(3)], first_number=1)
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "3 images" in page
    assert "The page that uploads the images must stay open." in page


def test_counts_by_label_filter_the_results(shades, signed_in, make_job, monkeypatch):
    monkeypatch.setattr(grid, "MAX_SHOWN_LABELS", 1)
    job = make_job(make_archive(["a.png", "b.png", "c.png"]))
    run_batch_job(str(job.pk))
    page = signed_in.get(job.get_absolute_url())
    assert "And 2 more labels." in get_text(page)
    (query,) = re.findall(r'href="/batch-jobs/[^"]+/(\?label=[^"]+)"', page.content.decode())
    filtered = signed_in.get(job.get_absolute_url() + query)
    assert len(filtered.context["grid"]["items"]) == 1
    assert len(page.context["grid"]["items"]) == 3


def test_hostile_names_are_escaped(shades, signed_in, make_job):
    job = make_job(make_archive(["<img src=x onerror=alert(1)>.png", "a.txt"]))
    run_batch_job(str(job.pk))
    BatchJob.objects.filter(pk=job.pk).update(original_name="<script>alert(1)</script>.zip")
    for url in (job.get_absolute_url(), LIST_URL):
        page = signed_in.get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_wide_tables_have_no_form_and_show_the_used_columns(write_rows, signed_in, make_job, flowers, monkeypatch):
    monkeypatch.setattr("predictions.batch_jobs.forms.MAX_MAPPING_OPTIONS", 10)
    monkeypatch.setattr(preview, "MAX_SHOWN_COLUMNS", 4)
    extra = ";".join(f"x{number}" for number in range(10))
    values = ";".join("1" for _ in range(10))
    job = make_job(make_table(f"{extra};petals;length;colour\n{values};5;4,5;white\n"), "flowers", start=False)
    page = signed_in.get(job.get_absolute_url())
    assert not page.context["form"].fields
    assert [column.text for column in page.context["preview_columns"]][:3] == ["petals", "length", "colour"]
    assert "And 9 more columns." in get_text(page)
    signed_in.post(f"{job.get_absolute_url()}start/")
    job.refresh_from_db()
    assert job.status == "succeeded"


def test_preview_of_a_missing_file_explains_what_to_do(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers", start=False)
    job.file.delete(save=False)
    page = signed_in.get(job.get_absolute_url())
    assert page.status_code == 200
    assert "Upload it again." in get_text(page)
    assert signed_in.post(f"{job.get_absolute_url()}start/").url == job.get_absolute_url()


# --- start, cancel, retry


def test_cancel_of_a_draft_returns_to_the_list(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers", start=False)
    response = signed_in.post(f"{job.get_absolute_url()}cancel/", follow=True)
    assert response.redirect_chain[-1][0] == LIST_URL
    assert "The batch job was canceled." in get_text(response)
    job.refresh_from_db()
    assert job.status == "canceled"


def test_canceled_batch_job_is_continued(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers")
    signed_in.post(f"{job.get_absolute_url()}cancel/")
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "Canceled 0 rows processed before the batch job was canceled." in page
    assert "Continue" in page
    signed_in.post(f"{job.get_absolute_url()}retry/")
    job.refresh_from_db()
    assert job.status == "queued"


def test_only_failed_predictions_are_retried(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers")
    run_batch_job(str(job.pk))
    assert "Retry failed" not in get_text(signed_in.get(job.get_absolute_url()))  # its failed rows are invalid
    response = signed_in.post(f"{job.get_absolute_url()}retry/", follow=True)
    assert "No prediction of the batch job failed." in get_text(response)


def test_failed_predictions_are_listed_with_their_page_and_retried(register_failing, shades, signed_in, make_job, user):
    register_failing(nan=True)
    job = make_job(make_archive(["a.png"]), "shades")
    run_batch_job(str(job.pk))
    prediction = make_prediction(user, model="failing")
    job.items.update(prediction=prediction)
    BatchJob.objects.update(succeeded_items=0, failed_items=1)
    page = signed_in.get(job.get_absolute_url())
    assert f'<a href="{prediction.get_absolute_url()}">a.png</a>' in page.content.decode()
    assert "Retry failed" in get_text(page)
    signed_in.post(f"{job.get_absolute_url()}retry/")
    job.refresh_from_db()
    assert job.status == "queued"


def test_failures_of_a_table_are_listed_by_line(flowers, make_job):
    job = make_job(make_table(), "flowers")
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    (failure,) = list_failures(job)
    assert failure.name == "3"  # the header of the column is "Line"
    assert failure.message.startswith("length: Expected a number")


def test_second_click_on_start_does_no_harm(flowers, signed_in, make_job):
    job = make_job(make_table(), "flowers", start=False)
    fields = {field.name: field.value() for field in signed_in.get(job.get_absolute_url()).context["form"]}
    for _ in range(2):
        assert signed_in.post(f"{job.get_absolute_url()}start/", fields).url == job.get_absolute_url()
    run_batch_job(str(job.pk))
    assert BatchJobItem.objects.count() == 3


def test_a_batch_job_of_an_inactive_user_shows_the_reason(flowers, user, superuser, client, make_job):
    job = make_job(make_table(), "flowers")
    anonymize_user(user=user)
    client.force_login(superuser)
    page = get_text(client.get(job.get_absolute_url()))
    assert "0 rows processed. Canceled, because the account of the user is not active." in page
    assert "Continue" not in page


def test_start_of_a_canceled_batch_job_shows_the_reason(flowers, signed_in, make_job):
    job = cancel_batch_job(job=make_job(make_table(), "flowers", start=False))
    response = signed_in.post(f"{job.get_absolute_url()}start/", follow=True)
    assert "has been started already" in get_text(response) or "has ended" in get_text(response)


# --- who may do what


def test_only_the_owner_and_reviewers_see_a_batch_job(flowers, client, make_job, other, reviewer, user):
    job = make_job(make_table(), "flowers")
    for viewer, status in ((other, 404), (reviewer, 200), (user, 200)):
        client.force_login(viewer)
        assert client.get(job.get_absolute_url()).status_code == status
        assert client.get(job.get_absolute_url(), headers=HTMX).status_code == status
        assert ("rows.csv" in client.get(LIST_URL).content.decode()) is (status == 200)


@pytest.mark.parametrize("action", ["start", "cancel", "retry"])
def test_only_the_owner_changes_a_batch_job(flowers, client, make_job, other, reviewer, action):
    job = make_job(make_table(), "flowers", start=False)
    url = f"{job.get_absolute_url()}{action}/"
    assert client.post(url).status_code == 302
    for viewer, status in ((other, 404), (reviewer, 403)):
        client.force_login(viewer)
        assert client.post(url).status_code == status
    client.force_login(reviewer)
    assert f"{action}/" not in client.get(job.get_absolute_url()).content.decode()
    job.refresh_from_db()
    assert job.status == "draft"


def test_forms_need_the_csrf_token(flowers, user, make_job):
    job = make_job(make_table(), "flowers", start=False)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    for url in (NEW_URL, *(f"{job.get_absolute_url()}{action}/" for action in ("start", "cancel", "retry"))):
        assert client.post(url, {"file": make_table()}).status_code == 403
    assert BatchJob.objects.count() == 1


def test_signed_out_users_upload_nothing(client, settings):
    response = client.post(NEW_URL, {"file": make_table()})
    assert urlsplit(response.url).path == "/accounts/login/"
    assert client.post(NEW_URL, {"file": make_table()}, headers=HTMX).status_code == 401


# --- list
