"""Drafts of batch jobs that nobody has started are deleted with their files."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from inference.tests.factories import make_image
from predictions.models import BatchJob, BatchJobItem, RemovedFile
from predictions.services.batch_jobs import add_images, cancel_batch_job, drafts, start_batch_job
from predictions.services.batch_jobs.drafts import DRAFT_DAYS, delete_old_drafts
from predictions.services.verification import verify_store
from predictions.tests.batch_jobs import make_job, make_rows

pytestmark = pytest.mark.django_db


def age_jobs(**period):
    BatchJob.objects.update(created_at=timezone.now() - timedelta(**period))


def test_old_drafts_are_deleted_with_their_files(flowers, user):
    old = make_job(user, make_rows(3), start=False)
    name = str(old.file)
    age_jobs(days=DRAFT_DAYS, hours=1)
    others = [make_job(user, make_rows(3), start=False), make_job(user, make_rows(3))]
    assert default_storage.exists(name)
    assert delete_old_drafts() == 1
    assert list(BatchJob.objects.order_by("pk")) == others
    assert not default_storage.exists(name)
    assert not RemovedFile.objects.exists()
    assert verify_store(older_than=0).breaches == []
    assert delete_old_drafts() == 0


def test_only_drafts_are_deleted(flowers, user):
    make_job(user, make_rows(3))
    cancel_batch_job(job=make_job(user, make_rows(3), start=False))
    start_batch_job(job=make_job(user, make_rows(3), start=False), is_enqueued=False)
    age_jobs(days=DRAFT_DAYS, hours=1)
    assert delete_old_drafts() == 0
    assert BatchJob.objects.count() == 3


def test_a_draft_with_waiting_images_is_started_and_not_deleted(shades, user, settings):
    settings.MAX_UPLOAD_BYTES = 10_000
    _, rejected, waiting = (make_job(user, None, model="shades") for _ in range(3))
    add_images(job=rejected, files=[ContentFile(b"x" * 10_001, name="large.png")])
    add_images(job=waiting, files=[ContentFile(make_image(1), name="1.png")])
    age_jobs(days=DRAFT_DAYS, hours=1)
    assert delete_old_drafts() == 2
    assert list(BatchJob.objects.all()) == [waiting]
    assert not BatchJobItem.objects.exists()


def test_a_draft_that_is_started_meanwhile_is_not_deleted(flowers, user):
    job = make_job(user, make_rows(3), start=False)
    start_batch_job(job=job, is_enqueued=False)
    assert not drafts._delete_draft(job.pk)
    assert BatchJob.objects.get() == job


def test_a_draft_remains_while_its_response_can_be_repeated(flowers, user, settings):
    settings.IDEMPOTENCY_HOURS = (DRAFT_DAYS + 1) * 24
    make_job(user, make_rows(3), start=False)
    age_jobs(days=DRAFT_DAYS, hours=1)
    assert delete_old_drafts() == 0
    age_jobs(days=DRAFT_DAYS + 1, hours=2)
    assert delete_old_drafts() == 1
