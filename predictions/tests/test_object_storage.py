"""Predictions whose files are in a bucket of a real S3 server in another process."""

import hashlib
import os
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connections

from core.storage_errors import StorageUnavailable
from core.tests.buckets import find_free_port, use_object_storage
from core.tests.commands import run_command
from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import BatchJob, Input, Prediction
from predictions.services.batch_jobs import add_images, start_batch_job
from predictions.services.inputs import PreparedInput
from predictions.services.storage import store_prediction
from predictions.services.stored_files import StoredFileError, read_stored_file, read_thumbnail
from predictions.services.sweep import sweep_media
from predictions.services.verification import listed_sizes, verify_store
from predictions.tests.batch_jobs import JOBS_URL, list_items, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction, make_upload

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("objects"), pytest.mark.once]
DATA = make_noise_image(1)


def find_breaches(**options):
    return [breach.invariant for breach in verify_store(older_than=0, **options).breaches]


def send_image(client, data=DATA, **options):
    return client.post(PREDICTIONS_URL, {"image": make_upload(data), "model": "shades"}, **options)


def get_image(client, response):
    return client.get(response.json()["input"]["image_url"])


def test_an_image_is_stored_served_verified_and_swept(shades, api, bucket, settings):
    response = send_image(api)
    assert response.status_code == 201
    row = Input.objects.get()
    assert bucket.list_names() == [f"site/{row.image.name}"]
    assert bucket.read(f"site/{row.image.name}") == DATA
    assert list_stored_files(settings) == []
    served = get_image(api, response)
    assert (served.status_code, served.content, served["Content-Type"]) == (200, DATA, "image/png")
    assert read_thumbnail(row) == read_thumbnail(row)
    assert len(bucket.list_names()) == 2
    assert find_breaches() == find_breaches(reads_files=False) == []
    Prediction.objects.all().delete()
    row.delete()
    assert find_breaches() == ["I6"]
    assert "1 file to delete." in run_command("sweep_media", "--older-than", "0", "--dry-run")[0]
    assert sweep_media(older_than=60) == []
    output = run_command("sweep_media", "--older-than", "0")[0]
    assert output.splitlines() == [row.image.name, "1 file deleted."]
    assert [name.split("/")[1] for name in bucket.list_names()] == ["thumbnails"]


def test_without_the_server_nothing_is_stored_and_nothing_is_called_missing(shades, flowers, api, user, bucket, settings):
    response, job = send_image(api), make_job(user, make_rows(3))
    endpoint, settings.S3_ENDPOINT_URL = settings.S3_ENDPOINT_URL, f"http://127.0.0.1:{find_free_port()}"
    use_object_storage(settings)
    failed = send_image(api, make_noise_image(2))
    assert_problem(failed, 503, "storage-unavailable")
    assert failed["Retry-After"]
    assert_problem(api.post(JOBS_URL, {"file": ContentFile(make_image_zip(2), name="x.zip"), "model": "shades"}), 503,
                   "storage-unavailable")  # fmt: skip
    assert_problem(get_image(api, response), 503, "storage-unavailable")
    row = {"features": {"length": 1, "petals": 2, "colour": "white"}, "model": "flowers"}
    assert api.post(PREDICTIONS_URL, row, content_type="application/json").status_code == 201
    assert (Input.objects.exclude(image="").count(), BatchJob.objects.count()) == (1, 1)
    for command in ("sweep_media", "verify_store"):
        with pytest.raises(CommandError, match="not available"):
            call_command(command, stdout=StringIO())
    settings.S3_ENDPOINT_URL = endpoint
    use_object_storage(settings)
    assert get_image(api, response).content == DATA
    assert len(bucket.list_names()) == 2
    assert run_job(job).status == "succeeded"


@pytest.mark.parametrize("reads_files", [True, False])
def test_missing_and_changed_objects_are_found(shades, user, bucket, monkeypatch, reads_files):
    monkeypatch.setattr(listed_sizes, "PAGE_SIZE", 2)
    rows = [make_prediction(user, make_noise_image(seed)).input for seed in range(8)]
    assert find_breaches(reads_files=reads_files) == []
    bucket.client.delete_object(Bucket=bucket.name, Key=f"site/{rows[1].image.name}")
    bucket.write(f"site/{rows[3].image.name}", b"x")
    bucket.write(f"site/{rows[5].image.name}", bytes(rows[5].size))
    assert find_breaches(reads_files=reads_files) == ["I2"] * (3 if reads_files else 2)
    with pytest.raises(StoredFileError):
        read_stored_file(rows[5])


def test_names_of_earlier_versions_are_found(shades, user, bucket):
    row = make_prediction(user, DATA).input
    name = f"inputs/ab/cd/{row.pk}.png"
    bucket.write(f"site/{name}", DATA)
    Input.objects.update(image=name)
    assert find_breaches(reads_files=False) == ["I6"]


def test_sizes_are_read_from_lists(shades, user, bucket, monkeypatch):
    for seed in range(3):
        make_prediction(user, make_noise_image(seed))
    monkeypatch.setattr(default_storage, "size", None)
    assert find_breaches(reads_files=False) == []


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_the_upload_and_the_commit_leaves_only_an_object(shades, user, bucket):
    row = Input(user=user, kind="image", content_type="image/png", size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())
    prediction = Prediction(
        input=row,
        model_version=shades,
        user=user,
        status="failed",
        error_code="x",
        source="api",
        completed_at=row.created_at,
    )
    connections.close_all()
    if not (child := os.fork()):
        try:
            store_prediction(prediction, PreparedInput(row, "", DATA), in_transaction=lambda _: os._exit(9))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not Input.objects.exists()
    assert len(bucket.list_names()) == 1
    assert find_breaches() == ["I6"]
    sweep_media(older_than=0)
    assert bucket.list_names() == [] == find_breaches()


def test_a_refused_row_leaves_no_object(shades, user, bucket):
    def fail(prediction):
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        make_prediction(user, in_transaction=fail)
    assert bucket.list_names() == []


@pytest.mark.parametrize("kind", ["table", "archive", "images"])
def test_the_files_of_batch_jobs_are_in_the_bucket(shades, flowers, user, bucket, settings, kind):
    if kind == "table":
        job = make_job(user, make_rows(3))
    else:
        job = make_job(user, make_image_zip(3) if kind == "archive" else None, "shades", start=kind == "archive")
    if kind == "images":
        add_images(job=job, files=[ContentFile(make_image(n), name="a.png") for n in range(3)])
        start_batch_job(job=job)
    assert len([name for name in bucket.list_names() if "batch-jobs" in name]) == (3 if kind == "images" else 1)
    assert list_stored_files(settings) == []
    assert find_breaches() == []
    assert run_job(job).status == "succeeded"
    assert len(list_items(job)) == 3


def test_an_uploaded_table_leaves_the_disk(flowers, api, bucket, settings):
    file = SimpleUploadedFile("rows.csv", make_rows(3).encode(), "text/csv")
    assert api.post(JOBS_URL, {"file": file, "model": "flowers"}).status_code == 201
    assert [name.split("/")[1] for name in bucket.list_names()] == ["batch-jobs"]
    assert list_stored_files(settings) == []


def test_a_batch_stores_all_images(shades, api, bucket):
    files = [make_upload(make_noise_image(seed), name=f"{seed}.png") for seed in range(5)]
    response = api.post(f"{PREDICTIONS_URL}batch/", {"image": files, "model": "shades"})
    assert response.status_code == 200
    assert len(bucket.list_names()) == 5
    assert find_breaches() == []


@pytest.mark.django_db(transaction=True)
def test_a_restore_keeps_newer_objects(shades, user, bucket, tmp_path):
    make_prediction(user, DATA)
    assert f"The bucket {bucket.name} is not part of the backup." in run_command("backup", tmp_path / "backup")[0]
    make_prediction(user, make_noise_image(2))
    output, _, failure = run_command("restore", tmp_path / "backup", "--force")
    assert failure is None
    assert "Verified the store" in output
    assert (Input.objects.count(), len(bucket.list_names())) == (1, 2)
    assert len(sweep_media(older_than=0)) == len(bucket.list_names()) == 1
