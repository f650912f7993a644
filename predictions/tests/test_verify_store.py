"""`verify_store`: each kind of damage and leftover is found, and nothing else."""

import hashlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import IdempotencyKey
from core.tests.commands import run_command
from inference.tests.factories import make_image, make_noise_image
from predictions.models import BatchJob, Input, Prediction, QueuedPrediction
from predictions.services.batch_jobs import add_images
from predictions.services.reviews import review_prediction
from predictions.services.verification import report, verify_store
from predictions.tests.batch_jobs import make_job, make_rows, run_job
from predictions.tests.factories import list_stored_files, make_prediction
from predictions.tests.journals import find_breaches

pytestmark = pytest.mark.django_db


def test_a_store_of_all_kinds_of_input_has_no_breach(variety, user, settings, monkeypatch):
    monkeypatch.setattr(report, "CHUNK_ROWS", 2)
    job = make_job(user, None, "shades")
    add_images(job=job, files=[ContentFile(make_noise_image(2), name="a.png")])
    run_job(make_job(user, make_rows(3), "flowers"))
    QueuedPrediction.objects.create(prediction=make_queued(variety[0]))
    found = verify_store(older_than=0)
    assert found.breaches == []
    assert found.checked["predictions"] == found.checked["inputs"] == len(variety) + 3 + 1
    assert found.checked["image_files"] + found.checked["batch_job_files"] == found.checked["files"]
    assert found.checked["batch_job_items"] == 3
    assert len(list_stored_files(settings)) == found.checked["files"]


def make_queued(prediction):
    """Return a stored prediction that waits for a worker, with an input of its own."""
    row = Input.objects.get(pk=prediction.input_id)
    row.pk, row.kind, row.image, row.features = uuid7(), "text", "", {"text": "a"}
    row.sha256 = hashlib.sha256(b"a").hexdigest()
    row.save(force_insert=True)
    version = prediction.model_version
    return Prediction.objects.create(input=row, model_version=version, status="queued", source="api")


def leave_orphan(root):
    path = root / "inputs" / "ab" / f"{uuid7()}.png"
    path.write_bytes(b"x")
    return path


def leave_temporary(root):
    path = root / "tmp" / "half"
    path.write_bytes(b"x")
    return path


def leave_empty(root):
    path = root / "thumbnails" / "a.webp"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("leave", "expected"), [(leave_orphan, "I6"), (leave_temporary, "I7"), (leave_empty, "I7")], ids=["row", "tmp", "empty"]
)
def test_leftovers_of_a_crash_are_found(shades, user, settings, leave, expected):
    make_prediction(user, make_noise_image(1))
    root = Path(settings.MEDIA_ROOT)
    for name in ("inputs/ab", "tmp", "thumbnails"):
        (root / name).mkdir(parents=True, exist_ok=True)
    path = leave(root)
    assert find_breaches() == [expected]
    assert not verify_store().breaches or expected == "I7"  # without a journal, a new file may get its row yet
    assert "sweep_media" in run_command("verify_store", "--older-than", "0")[0]
    if expected == "I6":
        assert find_breaches(allowed_orphans=1) == []
    path.unlink()
    assert find_breaches() == []


def test_damaged_features_are_found(flowers, user):
    row = make_job(user, make_rows(2))
    run_job(row)
    Input.objects.filter(pk=Input.objects.first().pk).update(features={"petals": 1})
    assert find_breaches() == ["I2"]


@pytest.mark.parametrize("counter", ["succeeded_items", "failed_items", "total_items"])
def test_counters_of_batch_jobs_equal_their_items(flowers, user, counter):
    job = run_job(make_job(user, make_rows(2)))
    BatchJob.objects.filter(pk=job.pk).update(**{counter: 1 if counter == "succeeded_items" else 5})
    assert find_breaches() == ["I1"]


def test_files_of_batch_jobs_are_checked(flowers, user):
    job = make_job(user, make_rows(2))
    Path(job.file.path).write_text(make_rows(3))
    assert find_breaches() == ["I2"]
    assert find_breaches(reads_files=False) == ["I2"]  # the size differs


@pytest.mark.parametrize("fields", [{"expires_at": 1000}, {"leased_until": 1000}, None], ids=["expired", "lost", "no work"])
def test_overdue_work_is_found(shades, user, fields):
    prediction = make_queued(make_prediction(user, make_image(1)))
    if fields is not None:
        row = QueuedPrediction.objects.create(prediction=prediction)
        assert find_breaches() == []
        past = {name: timezone.now() - timedelta(seconds=seconds) for name, seconds in fields.items()}
        QueuedPrediction.objects.filter(pk=row.pk).update(**past)
    assert find_breaches() == ["I5"]


def test_a_stored_response_names_an_existing_row(shades, user):
    prediction = make_prediction(user, make_image(1))
    review = review_prediction(prediction=prediction, reviewer=user, verdict="unsure")
    values = {"user": user, "status_code": 201, "fingerprint": ""}
    IdempotencyKey.objects.create(key="a", body=json.dumps({"id": str(prediction.pk)}).encode(), **values)
    IdempotencyKey.objects.create(key="b", body=b"[]", **values)
    IdempotencyKey.objects.create(key="e", body=json.dumps({"id": str(review.pk)}).encode(), **values)
    delivery = json.dumps({"id": str(uuid7())}).encode()
    IdempotencyKey.objects.create(key="f", body=delivery, **values | {"status_code": 202})  # of a test event
    webhook = {"headers": {"Location": "http://x/api/v1/webhooks/1/"}, "body": json.dumps({"id": str(uuid7())}).encode()}
    IdempotencyKey.objects.create(key="d", **webhook, **values)  # a user can delete a webhook
    assert find_breaches() == []
    lost = {"headers": {"Location": "http://x/api/v1/predictions/1/"}, "body": json.dumps({"id": str(uuid7())}).encode()}
    key = IdempotencyKey.objects.create(key="c", **lost, **values)
    assert find_breaches() == ["I10"]
    IdempotencyKey.objects.filter(pk=key.pk).update(status_code=202)
    assert find_breaches() == ["I10"]


def test_another_storage_is_checked(shades, user, monkeypatch):
    memory = InMemoryStorage()
    monkeypatch.setattr(Input._meta.get_field("image"), "storage", memory)
    prediction = make_prediction(user, make_image(1))
    assert find_breaches() == []
    memory.delete(prediction.input.image.name)
    memory.save(prediction.input.image.name, ContentFile(make_image(2)))
    assert find_breaches() == ["I2"]


def test_many_breaches_are_counted_but_not_kept(shades, user, monkeypatch):
    monkeypatch.setattr(report, "MAX_LISTED_BREACHES", 1)
    for shade in range(3):
        os.unlink(make_prediction(user, make_image(shade)).input.image.path)
    found = verify_store()
    assert (len(found.breaches), found.breach_counts) == (1, {"I2": 3})
