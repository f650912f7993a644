"""Create batch jobs on the pages, and see their preview."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.tests.pages import get_text
from predictions.models import BatchJob
from predictions.services.batch_jobs import run_batch_job
from predictions.tests.batch_job_pages import make_archive, make_table

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
LIST_URL, NEW_URL = "/batch-jobs/", "/batch-jobs/new/"


def test_table_leads_to_its_preview_and_starts_with_the_chosen_columns(flowers, signed_in):
    table = "Petals;size;colour\n5;4,5;white\n3;x;white\n"
    response = signed_in.post(NEW_URL, {"model": "flowers", "file": make_table(table)})
    job = BatchJob.objects.get()
    assert response.url == job.get_absolute_url()
    page = signed_in.get(response.url)
    text = get_text(page)
    assert "Preview of rows.csv" in text
    assert "separated by semicolons, UTF-8" in text
    assert "2 rows" in text
    assert "Choose a column for: Length (cm)." in text  # as the field is labeled
    assert not page.context["has_invalid_rows"]  # the reason is the missing column
    assert "The model does not use these columns: “size”" in text or "size" in page.context["unused_columns"]
    fields = {field.name: field.value() for field in page.context["form"]}
    names = dict(page.context["form"].features)
    length = next(field for field, name in names.items() if name == "length")
    assert fields[length] == ""
    rejected = signed_in.post(f"{response.url}start/", fields)
    assert rejected.status_code == 400
    assert "Missing columns" in get_text(rejected)
    assert signed_in.post(f"{response.url}start/", fields | {length: "size"}).url == response.url
    job.refresh_from_db()
    assert job.status == "succeeded"  # small tables run in the request
    assert job.options["mapping"]["length"] == "size"


def test_invalid_rows_are_named_in_the_preview_and_after_the_run(flowers, signed_in, make_job):
    job = make_job(make_table(), start=False)
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "Some of the first rows are not valid." in page
    assert "note" in page
    signed_in.post(
        f"{job.get_absolute_url()}start/", {f.name: f.value() for f in signed_in.get(job.get_absolute_url()).context["form"]}
    )
    run_batch_job(str(job.pk))
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "Succeeded 3 rows processed, of which" in page
    assert "Line 3" in page
    assert "Download results" in page


def test_a_form_that_is_submitted_twice_creates_one_job(shades, signed_in):
    key = re.search(r'name="idempotency_key" value="([^"]+)"', signed_in.get(NEW_URL).content.decode()).group(1)
    fields = {"model": "shades", "idempotency_key": key}
    first, second = (signed_in.post(NEW_URL, {**fields, "file": make_archive()}).url for _ in range(2))
    assert first == second
    assert signed_in.post(NEW_URL, {**fields, "file": make_archive(["c.png"])}).url != first
    assert BatchJob.objects.count() == 2


def test_archive_starts_at_once(shades, signed_in):
    response = signed_in.post(NEW_URL, {"model": "shades", "file": make_archive()})
    job = BatchJob.objects.get()
    assert (job.status, job.kind, response.url) == ("queued", "archive", job.get_absolute_url())
    run_batch_job(str(job.pk))
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "2 images processed." in page
    assert "All 2 black" in page


def test_htmx_upload_redirects_the_browser_or_returns_the_reason(shades, signed_in):
    response = signed_in.post(NEW_URL, {"model": "shades", "file": make_archive()}, headers=HTMX)
    assert response["HX-Redirect"] == BatchJob.objects.get().get_absolute_url()
    response = signed_in.post(NEW_URL, {"model": "shades", "file": make_table()}, headers=HTMX)
    assert (response.status_code, response["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert response.content.decode() == "The model takes images. Upload images, or a ZIP archive of images."


@pytest.mark.parametrize(
    ("model", "file", "status", "message"),
    [
        ("flowers", None, 400, "Choose a CSV file or a ZIP file."),
        ("flowers", SimpleUploadedFile("rows.csv", b""), 400, "The file is empty."),
        ("flowers", SimpleUploadedFile("rows.csv", b"petals\n"), 400, "no rows"),
        ("flowers", SimpleUploadedFile("rows.xlsx", b"PK\x03\x04" + b"\0" * 30), 400, "ZIP"),
        ("nope", make_table(), 404, "nope"),
        ("a b", make_table(), 404, "Expected a model"),
        ("x" * 121, make_table(), 400, "at most 120 characters"),
    ],
)
def test_rejected_file_shows_the_reason_and_stores_nothing(flowers, signed_in, model, file, status, message):
    if file:
        file.seek(0)
    response = signed_in.post(NEW_URL, {"model": model} | ({"file": file} if file else {}))
    assert response.status_code == status
    assert message in get_text(response)
    assert not BatchJob.objects.exists()


def test_form_offers_the_models_in_production_and_the_requested_one(flowers, shades, signed_in):
    page = signed_in.get(NEW_URL, {"model": "shades:1"}).content.decode()
    assert '<option value="flowers">' in page
    assert '<option value="shades:1" selected>' in page
    assert signed_in.get(NEW_URL, {"model": "nope"}).status_code == 200


def test_site_without_models_explains_how_to_register_one(signed_in):
    assert "No models yet" in get_text(signed_in.get(NEW_URL))
