"""JSON in and out."""

from __future__ import annotations

import base64
from typing import Any

from django.core.files.base import File
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from inference.errors import MOST_TOLD
from inference.signature.table import MAX_FEATURES
from predictions.api.parsers import read_json
from predictions.models import Input, ModelVersion, Prediction, RegisteredModel
from predictions.services.files import read_stored

REST_FIELD = serializers.SerializerMethodField


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """One uploaded file; its rules are the service's."""

    def to_internal_value(self, data: Any) -> File:
        if not isinstance(data, File):
            raise serializers.ValidationError(
                "Expected a file: send multipart/form-data with the image as a file part.", code="not-a-file"
            )
        return data


@extend_schema_field(
    {
        "oneOf": [
            {"type": "object", "additionalProperties": {"type": ["number", "string", "boolean", "null"]}},
            {"type": "array", "items": {"type": ["number", "string", "boolean", "null"]}},
        ]
    }
)
class FeaturesField(serializers.JSONField):
    """A row of features; its rules are the signature's. In a form it is JSON, read as strictly as a body of JSON."""

    def get_value(self, dictionary: Any) -> Any:
        value = super().get_value(dictionary)
        return read_json(value.encode("utf-8", "replace")) if getattr(value, "is_json_string", False) else value


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class FeatureOrderField(serializers.Field):
    """A list of names; whether they are right is the signature's to say."""

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) <= MAX_FEATURES and all(isinstance(name, str) for name in data):
            return data
        raise serializers.ValidationError(f"Expected a list of up to {MAX_FEATURES:,} feature names.", code="wrong-type")


class PredictionRequestSerializer(serializers.Serializer):
    """What a caller may say. Any other key is refused, so that a misspelt one is not silently without effect."""

    image = UploadField(required=False)
    features = FeaturesField(
        required=False, help_text="Values by name, or a list of them in the signature's order beside feature_order."
    )
    feature_order = FeatureOrderField(required=False, help_text="The names that go with a list of features.")
    model = serializers.CharField(max_length=120, default="", allow_blank=True, help_text="name, name@alias or name:version")
    client_reference = serializers.CharField(max_length=255, default="", allow_blank=True, help_text="Your own id.")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if unknown := sorted(set(data) - set(self.fields)):
            known = ", ".join(self.fields)
            more = f" And {len(unknown) - MOST_TOLD:,} more." if len(unknown) > MOST_TOLD else ""
            raise serializers.ValidationError(
                {name[:100]: f"There is no field {name[:100]!r}. There are: {known}.{more}" for name in unknown[:MOST_TOLD]},
                code="unknown-field",
            )
        if hasattr(data, "getlist") and len(data.getlist("image")) > 1:
            raise serializers.ValidationError(
                {"image": "Expected one image. Send one request for each."}, code="one-file-only"
            )
        return super().to_internal_value(data)


class ImageRequestSerializer(PredictionRequestSerializer):
    """What a form says; the features of a table come as JSON."""

    features = None  # type: ignore[assignment]
    feature_order = None  # type: ignore[assignment]


class InputSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:input-detail")
    image_url = REST_FIELD()

    class Meta:
        model = Input
        fields = (
            "id", "kind", "url", "image_url", "sha256", "content_type", "width", "height", "original_name", "features",
        )  # fmt: skip

    def get_image_url(self, row: Input) -> str | None:
        if row.kind != Input.Kind.IMAGE:
            return None
        return reverse("api:input-image", args=[row.pk], request=self.context.get("request"))


class InputWithImageSerializer(InputSerializer):
    """With the picture itself, as a data URL."""

    image = REST_FIELD()

    class Meta(InputSerializer.Meta):
        fields = (*InputSerializer.Meta.fields, "image")  # type: ignore[assignment]

    def get_image(self, row: Input) -> str | None:
        if row.kind != Input.Kind.IMAGE:
            return None
        data = read_stored(row, reader=self.context["request"].user)
        return f"data:{row.content_type};base64,{base64.b64encode(data).decode()}"


class TimingsSerializer(serializers.ModelSerializer):
    class Meta:
        model = Prediction
        fields = ("queue_ms", "preprocess_ms", "inference_ms")


class ErrorSerializer(serializers.Serializer):
    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")


class PredictionSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:prediction-detail")
    model = serializers.CharField(source="model_version.model.name")
    model_version = serializers.IntegerField(source="model_version.number")
    input = InputSerializer()
    label = REST_FIELD()  # type: ignore[assignment]
    output = REST_FIELD()
    error = REST_FIELD()
    timings = TimingsSerializer(source="*")
    review = REST_FIELD()

    class Meta:
        model = Prediction
        fields = (
            "id", "url", "status", "source", "model", "model_version", "input", "label", "confidence", "value", "output",
            "error", "client_reference", "timings", "created_at", "completed_at", "review",
        )  # fmt: skip

    def to_representation(self, instance: Prediction) -> Any:
        """Return the features in the signature's order; a database may have kept them in another."""
        data = super().to_representation(instance)
        if instance.input.features is not None:
            row = {name: value for name, value, _ in instance.named_features}
            data["input"]["features"] = row
            if "features" in data:
                data["features"] = row
        return data

    @extend_schema_field({"type": "string", "nullable": True})
    def get_label(self, row: Prediction) -> str | None:
        return row.label or None

    @extend_schema_field(
        {
            "type": "object",
            "nullable": True,
            "description": "Of one kind: scores by label, a label alone, a value, or raw.",
            "properties": {
                "scores": {"type": "object", "additionalProperties": {"type": "number"}},
                "label": {"type": "string"},
                "value": {"type": "number"},
                "raw": {},
            },
        }
    )
    def get_output(self, row: Prediction) -> dict[str, Any] | None:
        if row.output and "scores" in row.output:
            return {**row.output, "scores": dict(row.ranked_scores)}
        return row.output

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, row: Prediction) -> dict[str, str] | None:
        return ErrorSerializer(row).data if row.error_code else None

    @extend_schema_field({"type": "object", "nullable": True})
    def get_review(self, row: Prediction) -> None:
        """Return null: nobody can judge a prediction yet."""
        return


class PredictionWithImageSerializer(PredictionSerializer):
    input = InputWithImageSerializer()


class PredictionWithFeaturesSerializer(PredictionSerializer):
    """With the features beside the output, for reading both in one line."""

    features = serializers.JSONField(source="input.features", read_only=True)

    class Meta(PredictionSerializer.Meta):
        fields = (*PredictionSerializer.Meta.fields, "features")  # type: ignore[assignment]


class ModelVersionSerializer(serializers.ModelSerializer):
    class Meta:
        model = ModelVersion
        fields = (
            "number", "runtime", "framework", "framework_version", "sha256", "size", "signature", "labels", "trusted",
            "notes", "created_at",
        )  # fmt: skip


class RegisteredModelSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:model-detail", lookup_field="name")
    aliases = REST_FIELD()
    versions = ModelVersionSerializer(many=True)

    class Meta:
        model = RegisteredModel
        fields = ("name", "url", "title", "description", "task", "aliases", "versions", "created_at")

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_aliases(self, row: RegisteredModel) -> dict[str, int]:
        return {alias.name: alias.version.number for alias in row.aliases.all()}
