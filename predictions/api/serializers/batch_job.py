"""Serializers of batch jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from django.core.files.base import File
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import reject_unknown_fields
from core.api.parsers import parse_json
from inference.errors import InferenceError
from predictions.api.serializers.fields import UploadField
from predictions.batch_job_files import build_preview
from predictions.batch_job_progress import get_progress
from predictions.models import BatchJob
from predictions.services.batch_jobs import AddedImage
from registry.references import MAX_REFERENCE_CHARACTERS

MAX_MAPPED_FEATURES = 10_000


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "nullable": True}})
class MappingField(serializers.Field):
    """The column of each feature by its name. In a multipart body it is JSON text."""

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        value = parse_json(data.encode("utf-8", "replace")) if isinstance(data, str) else data
        if not isinstance(value, dict) or not all(isinstance(column, str | None) for column in value.values()):
            message = "Expected an object: the name of the column, or null, by the name of the feature."
            raise serializers.ValidationError(message, code="wrong-type")
        return cast(dict[str, str | None], value)


class StrictSerializer(serializers.Serializer):
    """Reject unknown fields."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields)
        return cast(dict[str, Any], super().to_internal_value(data))


@extend_schema_field(OpenApiTypes.BINARY)
class JobFileField(serializers.FileField):
    """The file of a batch job, as a part of a form. It is never sent as text, because it can be large."""

    def to_internal_value(self, data: Any) -> File:
        if not isinstance(data, File):
            raise serializers.ValidationError(
                "Expected a file. Send it as a part of multipart/form-data.", code="not-a-file"
            )
        return data


class BatchJobRequestSerializer(StrictSerializer):
    """The file of a batch job, and the model that predicts its items. Unknown keys are rejected."""

    file = JobFileField(required=False, help_text="A table (CSV), or a ZIP archive of images.")
    kind = serializers.ChoiceField(
        BatchJob.Kind.choices, required=False, help_text="If omitted, it is detected; without a file, images."
    )
    model = serializers.CharField(
        max_length=MAX_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="name, name@alias, or name:version. If omitted, the default model of the site is used.",
    )
    mapping = MappingField(
        required=False,
        help_text="For features whose column has another name: the name of the column by the name of the feature.",
    )
    start = serializers.BooleanField(default=True, help_text="If false, the job is a draft with a preview.")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if hasattr(data, "getlist") and len(data.getlist("file")) > 1:
            raise serializers.ValidationError({"file": "Expected one file per batch job."}, code="one-file-only")
        return super().to_internal_value(data)


class StartRequestSerializer(StrictSerializer):
    """How to read the table of a draft."""

    mapping = MappingField(required=False, help_text="As for a new batch job.")


class ImagesRequestSerializer(StrictSerializer):
    """Images to add to a batch job."""

    images = serializers.ListField(child=UploadField(), help_text="One or more files.")
    first_number = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="The number of the first file in the job, from 1. A repeated request with the same numbers adds "
        "nothing. If omitted, the files are appended.",
    )


class AddedImageSerializer(serializers.Serializer):
    """What happened to one uploaded image."""

    number = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(["added", "exists", "rejected"])
    error = serializers.DictField(child=serializers.CharField(), allow_null=True)

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


class ProgressSerializer(serializers.Serializer):
    """How far a batch job is."""

    total = serializers.IntegerField(allow_null=True, help_text="Null until the file has been counted.")
    done = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Invalid items, and predictions whose model failed.")
    remaining = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    items_per_second = serializers.FloatField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)


class BatchJobErrorSerializer(serializers.Serializer):
    """Why a batch job failed."""

    code = serializers.CharField()
    message = serializers.CharField()


class PreviewRowSerializer(serializers.Serializer):
    """One of the first rows of a table."""

    line = serializers.IntegerField()
    cells = serializers.ListField(child=serializers.CharField())
    error = serializers.CharField(help_text="Why the row is invalid; empty if it is valid.")


class PreviewSerializer(serializers.Serializer):
    """The start of the file of a draft, and how it is read."""

    encoding = serializers.CharField()
    delimiter = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = PreviewRowSerializer(many=True)
    mapping = MappingField(help_text="The column of each feature, or null.")
    unused = serializers.ListField(child=serializers.CharField(), help_text="Columns that the model does not use.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Required features without a column.")
    names = serializers.ListField(child=serializers.CharField(), help_text="The first files of an archive.")


class BatchJobSerializer(serializers.Serializer):
    """A file of inputs that is processed in the background."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    kind = serializers.ChoiceField(BatchJob.Kind.choices)
    status = serializers.ChoiceField(BatchJob.Status.choices)
    model = serializers.CharField()
    model_version = serializers.IntegerField()
    original_name = serializers.CharField()
    size = serializers.IntegerField(help_text="Of the file, in bytes.")
    sha256 = serializers.CharField(help_text="Of the file.")
    progress = ProgressSerializer()
    error = BatchJobErrorSerializer(allow_null=True, help_text="Why the job failed; null if it did not.")
    results_url = serializers.URLField(help_text="The results as CSV.")
    predictions_url = serializers.URLField(help_text="The predictions of the job.")
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

    preview = PreviewSerializer(allow_null=True, help_text="Of a draft with a file; otherwise null.")

    def to_representation(self, instance: BatchJob) -> dict[str, Any]:
        return {**super().to_representation(instance), "preview": _represent_preview(instance)}


def _represent_preview(job: BatchJob) -> dict[str, Any] | None:
    if job.status != BatchJob.Status.DRAFT:
        return None
    try:
        preview = build_preview(job)
    except (InferenceError, OSError):  # the stored file is damaged, which fails the job when it starts
        return None
    return asdict(preview) if preview else None
