"""Batch jobs of tables, archives, and images."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from inference.errors import InvalidInput
from inference.tests.factories import make_image
from predictions.models import BatchJob, BatchJobImage, Input, Prediction
from predictions.services.batch_jobs import (
    WrongJobStatus,
    add_images,
    cancel_batch_job,
    requeue_lost_jobs,
    retry_batch_job,
    start_batch_job,
    states,
)
from predictions.tests.batch_jobs import HEADER, list_items, make_image_zip, make_job, make_rows, run_job
from predictions.tests.factories import list_stored_files

pytestmark = pytest.mark.django_db


def make_files(*shades):
    return [ContentFile(make_image(shade), name=f"{shade}.png") for shade in shades]


# --- the three kinds


def test_a_table_becomes_one_prediction_per_row(flowers, user, small_chunks):
    job = run_job(make_job(user, make_rows(10)))
    assert (job.status, job.total_items, job.succeeded_items, job.failed_items) == ("succeeded", 10, 10, 0)
    assert list_items(job) == [(n + 1, 2.0 + n) for n in range(10)]
    prediction = Prediction.objects.first()
    assert (prediction.source, prediction.user, prediction.model_version) == ("batch", user, flowers)
    assert (job.kind, job.original_name, job.sha256 != "", job.started_at <= job.completed_at) == (
        "table",
        "rows.csv",
        True,
        True,
    )


def test_a_bad_row_is_a_failed_item_that_names_its_line(flowers, user):
    text = HEADER + '1,2,white\n1,x,white\n"1,2,white\n1,2\n' + "1,2,white,,,,,,,,,,\n" + "\n3,4,red\n"
    job = run_job(make_job(user, text))
    assert (job.status, job.total_items, job.succeeded_items, job.failed_items) == ("succeeded", 6, 2, 4)
    assert list_items(job) == [
        (1, 3.0), (2, "wrong-type"), (3, "malformed-csv"), (4, "wrong-count"), (5, "wrong-count"), (6, 8.0),
    ]  # fmt: skip
    messages = list(job.items.exclude(error_code="").order_by("number").values_list("error_message", flat=True))
    assert messages[0].startswith("Line 3: petals: Expected a whole number")
    assert messages[1] == "Line 4: A quotation mark is not closed."
    assert messages[2] == "Line 5: Expected 3 values, as in the header. Received: 2."
    assert messages[3] == "Line 6: Expected 3 values, as in the header. Received: 13."


def test_an_archive_becomes_one_prediction_per_image(shades, user, settings):
    settings.MAX_BATCH = 2
    job = make_job(user, make_image_zip(3, **{"notes.txt": b"x", "__MACOSX/._a.png": b"x", ".DS_Store": b"x"}), "shades")
    assert (job.kind, job.total_items) == ("archive", 4)
    run_job(job)
    assert list_items(job) == [(1, "black"), (2, "black"), (3, "black"), (4, "invalid-image")]
    assert list(job.items.order_by("number").values_list("name", flat=True))[2:] == ["images/0002.png", "notes.txt"]
    assert Input.objects.order_by("id").first().original_name == "0000.png"


def test_texts_are_read_from_the_only_column(reviews, user):
    job = run_job(make_job(user, 'comment\n"Two\nlines"\n"="\n', "reviews"))
    assert list_items(job) == [(1, 9.0), (2, 1.0)]


def test_images_are_added_then_predicted(shades, user, settings):
    job = make_job(user, None, "shades")
    assert (job.kind, job.status) == ("images", "draft")
    added = add_images(job=job, files=make_files(0, 255), first_number=1)
    assert [(image.number, image.name, image.is_new) for image in added] == [(1, "0.png", True), (2, "255.png", True)]
    settings.MAX_UPLOAD_BYTES = 10
    assert add_images(job=job, files=make_files(7))[0].error.code == "file-too-large"
    settings.MAX_UPLOAD_BYTES = 2**20
    start_batch_job(job=job)
    add_images(job=job, files=[ContentFile(b"x", name="x.png")])
    run_job(job)
    assert list_items(job) == [(1, "black"), (2, "white"), (3, "file-too-large"), (4, "invalid-image")]
    assert (job.total_items, job.succeeded_items, job.failed_items) == (4, 2, 2)
    assert not BatchJobImage.objects.exists()


def test_the_same_images_are_added_once(shades, user, settings):
    job = make_job(user, None, "shades")
    for _ in range(2):
        add_images(job=job, files=make_files(0, 255), first_number=1)
    assert [image.is_new for image in add_images(job=job, files=make_files(255, 9), first_number=2)] == [False, True]
    (conflict,) = add_images(job=job, files=make_files(8), first_number=1)
    assert (conflict.error.code, conflict.is_new) == ("number-in-use", False)
    assert len(list_stored_files(settings)) == 3
    run_job(start_batch_job(job=job))
    assert [image.is_new for image in add_images(job=job, files=make_files(0, 255, 9), first_number=1)] == [False] * 3
    job.refresh_from_db()
    assert (job.status, job.total_items, job.items.count()) == ("succeeded", 3, 3)


def test_images_that_arrive_after_the_end_are_predicted_too(shades, user):
    job = make_job(user, None, "shades")
    add_images(job=job, files=make_files(0))
    run_job(start_batch_job(job=job))
    add_images(job=job, files=make_files(255))
    job.refresh_from_db()
    assert (job.status, job.completed_at) == ("queued", None)
    assert list_items(run_job(job)) == [(1, "black"), (2, "white")]
    cancel = make_job(user, None, "shades")
    add_images(job=cancel, files=make_files(0))
    cancel_batch_job(job=cancel)
    with pytest.raises(WrongJobStatus):
        add_images(job=cancel, files=make_files(0))


def test_an_upload_that_stops_is_started(shades, user):
    job = make_job(user, None, "shades")
    empty = make_job(user, None, "shades")
    with pytest.raises(InvalidInput) as caught:
        start_batch_job(job=empty)
    assert caught.value.code == "no-images"
    with pytest.raises(InvalidInput, match="No images"):
        retry_batch_job(job=cancel_batch_job(job=make_job(user, None, "shades")))
    add_images(job=job, files=make_files(0))
    assert requeue_lost_jobs() == 0
    BatchJobImage.objects.update(created_at=timezone.now() - timedelta(seconds=states.UPLOAD_PAUSE_SECONDS + 1))
    assert requeue_lost_jobs() == 1
    assert list_items(run_job(job)) == [(1, "black")]
    empty.refresh_from_db()
    assert empty.status == "draft"


# --- drafts and columns


def test_a_draft_starts_with_a_mapping(flowers, user):
    text = "LENGTH;number of petals;id\n1,5;2;x\n2,5;3;y\n"
    with pytest.raises(InvalidInput) as caught:
        make_job(user, text)
    assert caught.value.code == "missing-columns"
    assert "Missing columns: petals. The file has LENGTH, number of petals, id." in caught.value.message
    assert not BatchJob.objects.exists()
    job = make_job(user, text, start=False)
    assert job.options["mapping"] == {"length": "LENGTH", "petals": None, "colour": None, "wild": None}
    with pytest.raises(InvalidInput):
        start_batch_job(job=job)
    job = start_batch_job(job=job, mapping={"petals": "number of petals"})
    assert job.status == "queued"
    assert list_items(run_job(job)) == [(1, 3.5), (2, 5.5)]
    with pytest.raises(WrongJobStatus):
        start_batch_job(job=job)


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"hue": "length"}, "unknown-feature"),
        ({"petals": "hue"}, "unknown-column"),
        ({"petals": "length", "length": "length"}, "duplicate-column"),
        ({"petals": None}, "missing-columns"),
    ],
)
def test_an_invalid_mapping_is_rejected(flowers, user, mapping, code):
    with pytest.raises(InvalidInput) as caught:
        make_job(user, make_rows(1), mapping=mapping)
    assert caught.value.code == code


def test_the_kind_must_fit_the_model(flowers, shades, parcels, user):
    for data, model in (
        (make_rows(1), "shades"),
        (make_image_zip(1), "flowers"),
        (None, "flowers"),
        (make_rows(1), "parcels"),
    ):
        with pytest.raises(InvalidInput) as caught:
            make_job(user, data, model)
        assert caught.value.code == "wrong-input", model
    assert not BatchJob.objects.exists()
