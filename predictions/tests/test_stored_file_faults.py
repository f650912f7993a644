"""Files that are missing, damaged, or cannot be read: each has a code of its own."""

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from core.storage_errors import StorageUnavailable
from core.tests.commands import run_command
from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.paths import get_thumbnail_path
from predictions.services import stored_files
from predictions.services.background import queue_prediction, run_queued_prediction
from predictions.services.batch_jobs import add_images, retry_batch_job, run, start_batch_job
from predictions.tests.batch_jobs import list_items, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MISSING, DAMAGED, UNAVAILABLE = (500, "stored-file-missing"), (500, "stored-file-damaged"), (503, "storage-unavailable")


def remove(path: Path) -> None:
    path.unlink()


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def swap(path: Path) -> None:
    path.write_bytes(make_image(7))


def break_disk(path: Path) -> None:
    """Replace a file by one that can be opened, and whose reads fail with EIO."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def move_root(path: Path) -> None:
    path.parents[2].rename(path.parents[2].with_name("moved"))


FAULTS = {
    remove: MISSING, flip_bit: DAMAGED, empty: DAMAGED, swap: DAMAGED, break_disk: UNAVAILABLE, loop: UNAVAILABLE,
    replace_by_folder: UNAVAILABLE, move_root: UNAVAILABLE,
}  # fmt: skip


@contextmanager
def use_all_descriptors():
    """Let the operating system refuse to open another file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def check_image(api, client, prediction, expected):
    url = f"/api/v1/inputs/{prediction.input_id}/image/"
    for response in (api.get(url), api.get(f"/api/v1/predictions/{prediction.pk}/?include=image")):
        assert_problem(response, *expected)
        assert ("Retry-After" in response) == (expected[0] == 503)
    thumbnail = client.get(reverse("predictions:thumbnail", args=[prediction.input_id]))
    assert thumbnail.status_code == expected[0]
    assert ("Retry-After" in thumbnail) == (expected[0] == 503)


@pytest.mark.parametrize("damage", FAULTS)
def test_each_fault_of_a_stored_image_has_its_code(shades, api, signed_in, user, settings, damage, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    prediction = make_prediction(user)
    damage(Path(prediction.input.image.path))
    check_image(api, signed_in, prediction, FAULTS[damage])
    page = signed_in.get(reverse("predictions:detail", args=[prediction.pk]))
    assert (page.status_code, signed_in.get(reverse("predictions:history")).status_code) == (200, 200)
    _, errors, message = run_command("reproduce", prediction.pk)
    assert "1 of 1 predictions were not reproduced." in message
    word = {"stored-file-missing": "missing", "stored-file-damaged": "changed"}.get(FAULTS[damage][1], "cannot be read now")
    assert word in errors


def test_a_process_without_free_descriptors_misses_no_file(shades, api, signed_in, user):
    prediction = make_prediction(user)
    url = f"/api/v1/inputs/{prediction.input_id}/image/"
    assert api.get(url).status_code == 200
    with use_all_descriptors():
        response = api.get(url)
        with pytest.raises(StorageUnavailable, match="too many open files"):
            stored_files.read_stored_file(prediction.input)
    assert_problem(response, *UNAVAILABLE)
    assert "too many open files" in response.json()["detail"]
    assert api.get(url).status_code == 200


def test_a_queued_prediction_waits_until_its_file_can_be_read(shades, user, tasks):
    image = ContentFile(make_image(255), name="a.png")
    prediction = queue_prediction(user=user, source="api", image=image, model="shades")
    with use_all_descriptors():
        run_queued_prediction(str(prediction.pk))
    prediction.refresh_from_db()
    assert (prediction.status, prediction.queued.attempts) == ("queued", 0)
    run_queued_prediction(str(prediction.pk))
    prediction.refresh_from_db()
    assert prediction.status == "succeeded"


@pytest.mark.parametrize("kind", ["table", "archive", "images"])
def test_a_batch_job_whose_file_cannot_be_read_can_be_retried(shades, flowers, user, short_waits, kind):
    if kind == "images":
        job = make_job(user, None, "shades")
        add_images(job=job, files=[ContentFile(make_image(1), name="a.png")])
        start_batch_job(job=job)
        path = Path(job.waiting_images.get().file.path)
    else:
        job = make_job(user, make_rows(2)) if kind == "table" else make_job(user, make_image_zip(2), "shades")
        path = Path(job.file.path)
    data = path.read_bytes()
    break_disk(path)
    run_job(job)
    assert (job.status, job.error_code, len(list_items(job))) == ("failed", "storage-unavailable", 0)
    assert job.error_message == "The disk for stored files reported an error. Retry the job later."
    path.unlink()
    path.write_bytes(data)
    assert run_job(retry_batch_job(job=job)).status == "succeeded"
    assert Prediction.objects.count() == (1 if kind == "images" else 2)


def test_a_batch_job_continues_when_its_file_can_be_read_again(flowers, user, short_waits, monkeypatch):
    job = make_job(user, make_rows(2))
    path = Path(job.file.path)
    data = path.read_bytes()
    break_disk(path)

    def repair(self, seconds):
        path.unlink()
        path.write_bytes(data)

    monkeypatch.setattr(run._JobRun, "_wait", repair)
    assert (run_job(job).status, job.succeeded_items) == ("succeeded", 2)


def test_the_page_of_a_draft_names_the_fault(shades, user, api, signed_in):
    job = make_job(user, make_image_zip(2), "shades", start=False)
    break_disk(Path(job.file.path))
    assert_problem(api.get(f"/api/v1/batch-jobs/{job.pk}/"), *UNAVAILABLE)
    page = signed_in.get(job.get_absolute_url())
    assert page.status_code == 200
    assert "The disk for stored files reported an error." in page.content.decode()


def test_a_page_of_a_process_without_free_descriptors_is_a_503(signed_in, monkeypatch):
    """Django opens a template, a translation, or a file."""

    def fail(*arguments, **options):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("predictions.views.history.HistoryView.get", fail)
    signed_in.raise_request_exception = False
    response = signed_in.get(reverse("predictions:history"))
    assert (response.status_code, bool(response["Retry-After"])) == (503, True)
    assert "too many open files" in response.content.decode()


def test_a_thumbnail_of_an_input_that_is_deleted_meanwhile_is_not_left_behind(shades, user):
    row = make_prediction(user).input
    path = Path(row.image.storage.path(get_thumbnail_path(row.pk)))
    assert stored_files.read_thumbnail(row) and path.exists()
    path.unlink()
    Prediction.objects.all().delete()
    Input.objects.all().delete()
    assert stored_files.read_thumbnail(row)  # the file of the image is deleted after the row
    assert not path.exists()
