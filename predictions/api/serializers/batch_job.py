"""Serializers of batch jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from django.core.files.base import File
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from core.api.fields import StrictSerializer
from core.api.parsers import parse_json_part
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from predictions.api.serializers.fields import UploadField
from predictions.batch_jobs.files import build_preview
from predictions.batch_jobs.progress import get_progress
from predictions.models import BatchJob
from predictions.services.batch_jobs import AddedImage
from registry.references import MAX_REFERENCE_CHARACTERS


@extend_schema_field({"type": "object", "additionalProperties": {"type": ["string", "null"]}})
class MappingField(serializers.Field):
    """Column names by feature name. In a multipart body, it is JSON text."""

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        value = parse_json_part(data, self.field_name) if isinstance(data, str) else data
        if not isinstance(value, dict) or not all(isinstance(column, str | None) for column in value.values()):
            message = "Expected an object with feature names as keys, and column names or null as values."
            raise serializers.ValidationError(message, code="wrong-type")
        return cast(dict[str, str | None], value)


@extend_schema_field(OpenApiTypes.BINARY)
class JobFileField(serializers.FileField):
    """The file of a batch job, as a part of a form. It is never sent as text, because it can be large."""

    def to_internal_value(self, data: Any) -> File:
        if not isinstance(data, File):
            raise serializers.ValidationError(
                "Expected a file. Send it as a part of multipart/form-data.", code="not-a-file"
            )
        return data


@extend_schema_serializer(component_name="BatchJob")  # the suffix Request is added
class BatchJobRequestSerializer(StrictSerializer):
    """The file of a batch job, and the model to predict with. Unknown keys are rejected."""

    repeatable_fields = frozenset({"file"})  # which has an error of its own
    file = JobFileField(required=False, help_text="A table (CSV), a ZIP archive of images, or a ZIP archive of both.")
    kind = serializers.ChoiceField(
        BatchJob.Kind.choices,
        required=False,
        help_text="If omitted, it is detected from the file. Without a file, it is images.",
    )
    model = serializers.CharField(
        max_length=MAX_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="name, name@alias, or name:version. If omitted, the default model of the site is used.",
    )
    mapping = MappingField(
        required=False,
        help_text="Column names by feature name, if they differ. Null for no column.",
    )
    start = serializers.BooleanField(
        default=True, help_text="If false, the job is a draft with a preview, until it is started."
    )
    expected_items = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="How many images you are going to add to a job of the kind images. Pages then show how many are missing.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if hasattr(data, "getlist") and len(data.getlist("file")) > 1:
            raise serializers.ValidationError({"file": "Expected one file per batch job."}, code="one-file-only")
        return super().to_internal_value(data)


@extend_schema_serializer(component_name="BatchJobStart")
class StartRequestSerializer(StrictSerializer):
    """The columns of the table of a draft. Unknown keys are rejected."""

    mapping = MappingField(required=False, help_text="Column names by feature name, if they differ. Null for no column.")


@extend_schema_serializer(component_name="BatchJobImages")
class ImagesRequestSerializer(StrictSerializer):
    """The images to add to a batch job. Unknown keys are rejected."""

    images = serializers.ListField(child=UploadField(), help_text="Repeat this part for each image.")
    first_number = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="The number of the first image in the job, from 1. If you repeat the request with the same number, no "
        "image is added twice. If omitted, the images are appended.",
    )


class AddedImageSerializer(serializers.Serializer):
    """The result of one uploaded image."""

    number = serializers.IntegerField(help_text="The number of the image in the job, from 1.")
    name = serializers.CharField(help_text="The file name as uploaded.")
    status = serializers.ChoiceField(
        ["added", "exists", "rejected"], help_text="`exists`: an earlier request has added the same image."
    )
    error = serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text="Why the image was rejected, as code and message."
    )

    def to_representation(self, instance: AddedImage) -> dict[str, Any]:
        error = instance.error
        return {
            "number": instance.number,
            "name": instance.name,
            "status": "rejected" if error else "added" if instance.is_new else "exists",
            "error": {"code": error.code, "message": error.message} if error else None,
        }


class AddedImagesSerializer(serializers.Serializer):
    """One result per uploaded image, in order."""

    results = AddedImageSerializer(many=True)


class BatchJobProgressSerializer(serializers.Serializer):
    """The progress of a batch job, in items."""

    total = serializers.IntegerField(allow_null=True, help_text="Null until the file has been counted.")
    done = serializers.IntegerField(help_text="Items that were processed: succeeded plus failed.")
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Invalid items, and items whose prediction failed.")
    remaining = serializers.IntegerField(allow_null=True, help_text="total minus done.")
    percent = serializers.IntegerField(allow_null=True, help_text="100 only if all items are done.")
    items_per_second = serializers.FloatField(allow_null=True, help_text="The current rate. Null unless the job is running.")
    seconds_left = serializers.FloatField(allow_null=True, help_text="An estimate. Null if the rate is unknown.")


class BatchJobErrorSerializer(serializers.Serializer):
    """Why a batch job failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class BatchJobPreviewRowSerializer(serializers.Serializer):
    """One of the first rows of a table."""

    line = serializers.IntegerField(help_text="The number of its first line in the file, from 1.")
    cells = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(help_text="Why the row is invalid; empty if it is valid.")


class BatchJobPreviewSerializer(serializers.Serializer):
    """The start of the file of a draft, and how it is read."""

    encoding = serializers.CharField(help_text="Of a table; otherwise empty.")
    delimiter = serializers.CharField(help_text="Of a table; otherwise empty.")
    columns = serializers.ListField(child=serializers.CharField(), help_text="The names in the header.")
    rows = BatchJobPreviewRowSerializer(many=True)
    mapping = MappingField(help_text="The column of each feature, or null.")
    unused = serializers.ListField(child=serializers.CharField(), help_text="Columns that the model does not use.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Required features without a column.")
    names = serializers.ListField(child=serializers.CharField(), help_text="The names of the first files of an archive.")


class BatchJobSerializer(serializers.Serializer):
    """A file of inputs that is processed in the background."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    kind = serializers.ChoiceField(BatchJob.Kind.choices)
    status = serializers.ChoiceField(BatchJob.Status.choices)
    model = serializers.CharField()
    model_version = serializers.IntegerField()
    original_name = serializers.CharField(help_text="The file name as uploaded.")
    size = serializers.IntegerField(help_text="The size of the file in bytes.")
    sha256 = serializers.CharField(help_text="SHA-256 of the file.")
    progress = BatchJobProgressSerializer()
    error = BatchJobErrorSerializer(allow_null=True, help_text="Why the job failed; null if it did not.")
    results_url = serializers.URLField(help_text="The URL of the results as CSV.")
    predictions_url = serializers.URLField(help_text="The URL of the list of its predictions.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, instance: BatchJob) -> dict[str, Any]:
        build_url = self.context["request"].build_absolute_uri
        version = instance.model_version
        time_field = serializers.DateTimeField()
        times = {name: getattr(instance, name) for name in ("created_at", "started_at", "completed_at")}
        return {
            "id": str(instance.pk),
            "url": build_url(reverse("api:batch-job-detail", args=[instance.pk])),
            "kind": instance.kind,
            "status": instance.status,
            "model": version.model.name,
            "model_version": version.number,
            "original_name": instance.original_name,
            "size": instance.size,
            "sha256": instance.sha256,
            "progress": get_progress(instance)._asdict(),
            "error": {"code": instance.error_code, "message": instance.error_message} if instance.error_code else None,
            "results_url": build_url(reverse("api:batch-job-results", args=[instance.pk])),
            "predictions_url": build_url(f"{reverse('api:prediction-list')}?batch_job={instance.pk}"),
            **{name: time and time_field.to_representation(time) for name, time in times.items()},
        }


class BatchJobDetailSerializer(BatchJobSerializer):
    """A batch job with the preview of a draft."""

    preview = BatchJobPreviewSerializer(allow_null=True, help_text="Null unless the job is a draft with a file.")

    def to_representation(self, instance: BatchJob) -> dict[str, Any]:
        return {**super().to_representation(instance), "preview": _represent_preview(instance)}


def _represent_preview(job: BatchJob) -> dict[str, Any] | None:
    if job.status != BatchJob.Status.DRAFT:
        return None
    try:
        preview = build_preview(job)
    except StorageUnavailable:
        raise
    except (InferenceError, OSError):  # the stored file is damaged, which fails the job when it starts
        return None
    return asdict(preview) if preview else None
