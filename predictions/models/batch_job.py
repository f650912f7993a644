"""Batch jobs: files of inputs that are processed in the background."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.fields import UUID7Field
from core.validators import MAX_FILE_NAME_CHARACTERS
from predictions.models.prediction import Prediction
from predictions.paths import get_batch_job_image_path, get_batch_job_path
from predictions.querysets import BatchJobQuerySet
from registry.models import ModelVersion

REMOVED_CODE = "data-removed"  # of an item whose prediction was removed by a retention policy


class BatchJob(models.Model):
    """A CSV file of rows, a ZIP file of images, or images that are uploaded one after the other.

    The counters are updated in the transaction that stores the items they count.
    """

    class Kind(models.TextChoices):
        TABLE = "table", _("Table (CSV)")
        ARCHIVE = "archive", _("Archive of images (ZIP)")
        IMAGES = "images", _("Images")

    class Status(models.TextChoices):
        # Waits until the preview is confirmed or, for uploaded images, until the upload is complete.
        DRAFT = "draft", _("Draft")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        # All items were processed; some of them may have failed.
        SUCCEEDED = "succeeded", pgettext_lazy("batch job", "Succeeded")
        FAILED = "failed", pgettext_lazy("batch job", "Failed")  # the file cannot be processed any further
        CANCELED = "canceled", pgettext_lazy("batch job", "Canceled")

    FINAL_STATUSES = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)

    id = UUID7Field()
    # The composite index below serves this key's own queries too.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="batch_jobs"
    )
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="batch_jobs")
    reference = models.CharField(max_length=200, blank=True, help_text=_("The model reference of the request."))
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    source = models.CharField(max_length=10, choices=Prediction.Source.choices, default=Prediction.Source.BATCH)
    file = models.FileField(upload_to=get_batch_job_path, max_length=200, blank=True)
    original_name = models.CharField(
        max_length=MAX_FILE_NAME_CHARACTERS, blank=True, help_text=_("The file name as uploaded.")
    )
    size = models.PositiveBigIntegerField(default=0, help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the file."))
    options = models.JSONField(
        default=dict, blank=True, help_text=_("How to read a table: encoding, delimiter, and the column of each feature.")
    )
    total_items = models.PositiveIntegerField(null=True, blank=True, help_text=_("Unknown until the file has been counted."))
    succeeded_items = models.PositiveIntegerField(default=0)
    failed_items = models.PositiveIntegerField(default=0, help_text=_("Invalid items, and predictions whose model failed."))
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often a worker has started it without progress.")
    )
    leased_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("A worker is running it, or a task for it is queued. After this time, both are considered lost."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = BatchJobQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: a user's batch jobs, newest first; deleting a user.
            models.Index("user", "id", name="batchjob_user_id"),
            # Serves: the sweep, the deletion of old drafts, and the depth of the queue. Final jobs are not in it.
            models.Index("status", "leased_until", name="batchjob_open", condition=Q(completed_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["succeeded", "failed", "canceled"], completed_at__isnull=False)
                | Q(status__in=["draft", "queued", "running"], completed_at__isnull=True),
                name="batchjob_final_is_completed",
            ),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(error_code=""), name="batchjob_failed_has_error_code"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("predictions:batch-job", args=[self.id])

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL_STATUSES

    @property
    def done_items(self) -> int:
        """Return the number of items that were processed."""
        return self.succeeded_items + self.failed_items


class BatchJobItem(models.Model):
    """One row or image of a batch job: its prediction, or the error of an input that was not accepted.

    The unique number makes sure that no item is stored twice, even if two workers run the same job.
    """

    job = models.ForeignKey(BatchJob, models.CASCADE, db_index=False, related_name="items")
    number = models.PositiveIntegerField(
        help_text=_("The position in the file, from 1. The header of a table does not count.")
    )
    name = models.CharField(max_length=MAX_FILE_NAME_CHARACTERS, blank=True, help_text=_("The file name of an image."))
    prediction = models.OneToOneField(Prediction, models.CASCADE, null=True, blank=True, related_name="batch_job_item")
    error_code = models.CharField(max_length=50, blank=True, help_text=_("Why the input was not accepted."))
    error_message = models.TextField(blank=True)

    objects: ClassVar = models.Manager()

    class Meta:
        indexes = [
            # Serves: filter predictions by batch job, newest first.
            models.Index("job", "prediction", name="batchjobitem_job_prediction"),
        ]
        constraints = [
            # Serves: the results of a job in the order of its file.
            models.UniqueConstraint("job", "number", name="batchjobitem_unique_number"),
            models.CheckConstraint(
                condition=Q(prediction__isnull=False, error_code="") | (Q(prediction__isnull=True) & ~Q(error_code="")),
                name="batchjobitem_prediction_or_error",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"


class BatchJobImage(models.Model):
    """An uploaded image of a batch job that waits to be predicted.

    It is deleted in the transaction that stores the item with its number, so an image is predicted once.
    """

    job = models.ForeignKey(BatchJob, models.CASCADE, db_index=False, related_name="waiting_images")
    number = models.PositiveIntegerField(help_text=_("The number of the item."))
    name = models.CharField(max_length=MAX_FILE_NAME_CHARACTERS, blank=True, help_text=_("The file name as uploaded."))
    file = models.FileField(upload_to=get_batch_job_image_path, max_length=200)
    sha256 = models.CharField(max_length=64, help_text=_("SHA-256 of the file."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Serves: the next images of a job; the sweep, which looks for files without a row.
            models.UniqueConstraint("job", "number", name="batchjobimage_unique_number"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.number}"
