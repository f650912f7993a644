"""Batch jobs for models that take images with features: a ZIP archive with one table and the images of its rows."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.tests.pages import get_text
from inference.errors import InvalidInput
from inference.tests.factories import make_image
from predictions.models import BatchJob, Prediction
from predictions.services.batch_jobs import can_run_directly, chunks, retry_batch_job, start_batch_job
from predictions.services.verification import verify_store
from predictions.tables import archives
from predictions.tables.image_tables import find_image_column
from predictions.tests.batch_jobs import JOBS_URL, list_items, make_job, make_rows, make_zip, run_job
from predictions.tests.factories import list_stored_files

pytestmark = pytest.mark.django_db
BLACK, WHITE = make_image(0, size=(8, 8)), make_image(255, size=(8, 8))  # the sums of their pixels are 0 and 64
TABLE = "image;Weight;express;note\nb.png;1,5;true;x\na.png;2;;\n"


def make_archive(table=TABLE, name="rows.csv", **more):
    return make_zip({"a.png": BLACK, name: table.encode(), "b.png": WHITE} | more)


def run(user, *args, **more):
    return run_job(make_job(user, make_archive(*args, **more), "parcels"))


def test_each_row_is_predicted_with_its_image(parcels, user, monkeypatch):
    monkeypatch.setattr(chunks, "FIRST_CHUNK_ITEMS", 1)
    job = make_job(user, make_archive(), "parcels")
    assert (job.kind, job.total_items, job.options["image_column"]) == ("table", 2, "image")
    assert not can_run_directly(job)  # a request does not decode many images
    run_job(job)
    assert list_items(job) == [(1, 66.5), (2, 2.0)]
    inputs = [item.prediction.input for item in job.items.order_by("number").select_related("prediction__input")]
    assert [(row.original_name, row.features) for row in inputs] == [
        ("b.png", {"weight": 1.5, "express": True}),
        ("a.png", {"weight": 2, "express": False}),
    ]
    assert verify_store(older_than=0).breaches == []


def test_images_are_found_by_their_path_or_by_a_unique_name(parcels, user):
    images = {"set/one/a.png": WHITE, "set/two/a.png": BLACK, "set/two/c.png": WHITE}
    cells = ("one/a.png", "./two\\a.png", "set/one/a.png", "c.png", "b.png", "a.png")
    table = "file,weight\n" + "".join(f"{cell},1\n" for cell in cells)
    assert [value for _, value in list_items(run(user, table, "set/rows.csv", **images))] == [65, 1, 65, 65, 65, 1]


def test_errors_name_the_line_and_the_image(parcels, user):
    rows = ["c.png,1", ",1", "a.png,-1", "bad.png,1", "a.png,1,2", "folder/x.png,1", "cut.png,1"]
    table = "image,weight\n" + "\n".join(rows)
    job = run(user, table, **{"bad.png": b"text", "folder/y.png": BLACK, "cut.png": WHITE[:-20]})
    messages = list(job.items.order_by("number").values_list("error_message", flat=True))
    assert messages[:2] == ["Line 2: The archive has no image c.png.", "Line 3: The row does not name an image."]
    assert messages[2].startswith("Line 4, a.png: weight: ")
    assert messages[3].startswith("Line 5, bad.png: ")
    assert messages[4].startswith("Line 6: Expected 2 values")
    assert messages[5] == "Line 7: The archive has no image folder/x.png."
    assert messages[6].startswith("Line 8, cut.png: ")
    assert (job.status, job.failed_items, Prediction.objects.count()) == ("succeeded", 7, 0)


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({"a.png": BLACK}, "no-table", "has no table"),
        ({"a.png": BLACK, "x.csv": b"", "y.tsv": b""}, "too-many-tables", "x.csv, y.tsv"),
        ({"a.png": BLACK, "x.csv": b"photo,weight\na.png,1"}, "missing-columns", "Name this column “image”."),
        ({"a.png": BLACK, "x.csv": b"image,mass\na.png,1"}, "missing-columns", "weight"),
        ({"a.png": BLACK, "x.csv": b"image,weight\n"}, "no-rows", "no rows"),
        ({"x.csv": b"image,weight\na.png,1"}, "no-images", "no images"),
    ],
)
def test_an_archive_without_what_is_needed_is_rejected(parcels, user, settings, members, code, text):
    with pytest.raises(InvalidInput, match=text) as caught:
        make_job(user, make_zip(members), "parcels")
    assert caught.value.code == code
    assert not BatchJob.objects.exists()
    assert list_stored_files(settings) == []


def test_a_table_without_images_and_images_without_a_table_are_rejected(parcels, user):
    for data, field in ((make_rows(1), "file"), (None, "model")):
        with pytest.raises(InvalidInput, match="Upload a ZIP archive with the images and one table") as caught:
            make_job(user, data, "parcels")
        assert (caught.value.code, caught.value.field) == ("wrong-input", field)


def test_a_column_of_a_feature_is_not_the_column_of_the_images():
    assert find_image_column(["File", "image", "x"], {"image": "image"}) == "File"
    assert find_image_column(["path", "Image_Name"], {"x": None}) == "Image_Name"


def test_a_failed_prediction_is_made_again_with_its_features(parcels, user):
    job = run(user)
    item = job.items.select_related("prediction__input").get(number=1)
    failed = Prediction(input=item.prediction.input, model_version=parcels, user=user, status="failed", error_code="x")
    failed.completed_at = failed.started_at = timezone.now()
    failed.save()
    job.items.filter(number=1).update(prediction=failed)
    BatchJob.objects.filter(pk=job.pk).update(failed_items=1, succeeded_items=1)
    assert list_items(run_job(retry_batch_job(job=job))) == [(1, 66.5), (2, 2.0)]
    assert (job.succeeded_items, job.failed_items) == (2, 0)


def test_a_draft_is_previewed_mapped_and_downloaded(parcels, api):
    table = "mass,image,express\n1,a.png,false\nx,b.png,true\n3,z.png,true\n"
    file = SimpleUploadedFile("parcels.zip", make_archive(table))
    response = api.post(JOBS_URL, {"file": file, "model": "parcels", "start": "false"})
    body = response.json()
    assert (response.status_code, body["kind"], body["status"]) == (201, "table", "draft")
    assert (body["preview"]["missing"], body["preview"]["unused"]) == (["weight"], ["mass"])
    job = BatchJob.objects.get()
    body = api.post(f"{body['url']}start/", {"mapping": {"weight": "mass"}}, "application/json").json()
    assert body["status"] == "queued"
    run_job(job)
    content = b"".join(api.get(f"{JOBS_URL}{job.pk}/results/").streaming_content).decode()
    header, *rows = csv.reader(io.StringIO(content))
    assert header[:4] == ["mass", "image", "express", "label"]
    assert [(row[1], row[5]) for row in rows] == [("a.png", "1.0"), ("b.png", ""), ("z.png", "")]
    assert "The archive has no image z.png." in rows[2][6]


def test_the_page_shows_the_preview_before_the_job_starts(parcels, signed_in):
    file = SimpleUploadedFile("parcels.zip", make_archive(TABLE + "c.png;1;;\n"))
    response = signed_in.post("/batch-jobs/new/", {"file": file, "model": "parcels"}, follow=True)
    page = get_text(response)
    assert "Predict 3 rows" in page
    assert "The archive has no image c.png." in page
    assert response.context["unused_columns"] == "note"
    job = run_job(start_batch_job(job=BatchJob.objects.get()))
    page = get_text(signed_in.get(job.get_absolute_url()))
    assert "66.5" in page
    assert "Line 4" in page


def test_rows_that_name_the_same_large_image_again_and_again_are_rejected(parcels, user, monkeypatch):
    monkeypatch.setattr(archives, "EXPANSION_ALLOWANCE_BYTES", 0)
    archive = make_archive("image,weight\n" + "a.png,1\n" * 300)
    assert len(archive) < 1000  # of which the table expands to 2,400 bytes, and its images to 300 times the size of one
    with pytest.raises(InvalidInput, match="expands to") as caught:
        make_job(user, archive, "parcels")
    assert caught.value.code == "archive-bomb"
    job = make_job(user, make_archive("image,weight\n" + "a.png,1\n" * 5 + "z.png,1\n,1\na.png\n"), "parcels")
    assert job.total_items == 8
