"""JSON in and out."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.files.base import File
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from inference.errors import MOST_TOLD
from inference.signature.table import MAX_FEATURES
from predictions.api.parsers import read_json
from predictions.models import Input, ModelVersion, Prediction, RegisteredModel, Review
from predictions.querysets import sees_everything
from predictions.services.files import read_stored

MAX_ITEMS = 1000  # judged in one request

REST_FIELD = serializers.SerializerMethodField


def refuse_unknown_fields(data: Any, known: Iterable[str]) -> None:
    """Refuse a key that is no field: a misspelt one would silently be without effect."""
    if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(known))):
        more = f" And {len(unknown) - MOST_TOLD:,} more." if len(unknown) > MOST_TOLD else ""
        names = ", ".join(known)
        raise serializers.ValidationError(
            {name[:100]: f"There is no field {name[:100]!r}. There are: {names}.{more}" for name in unknown[:MOST_TOLD]},
            code="unknown-field",
        )


class StrictFloatField(serializers.FloatField):
    """A JSON number: no text, no truth value."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Expected a number.", code="wrong-type")
        return super().to_internal_value(data)


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
        refuse_unknown_fields(data, self.fields)
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


class ReviewSerializer(serializers.ModelSerializer):
    """One opinion. Whose it is, is told to reviewers; to others only whether it is theirs."""

    mine = REST_FIELD()
    reviewer = REST_FIELD()

    class Meta:
        model = Review
        fields = ("id", "verdict", "true_label", "true_value", "comment", "picked_by", "mine", "reviewer", "created_at")
        read_only_fields = fields

    @extend_schema_field(bool)
    def get_mine(self, row: Review) -> bool:
        return bool(row.reviewer_id == self.context["request"].user.pk)

    @extend_schema_field({"type": "string", "nullable": True})
    def get_reviewer(self, row: Review) -> str | None:
        reader = self.context["request"].user
        shown = row.reviewer and (row.reviewer_id == reader.pk or sees_everything(reader))
        return row.reviewer.username if shown and row.reviewer else None


class OpinionSerializer(serializers.Serializer):
    """What a caller may say of a prediction; the rules are the service's."""

    verdict = serializers.ChoiceField(
        Review.Verdict.choices, required=False, help_text="Left out: it follows from the truth."
    )
    true_label = serializers.CharField(max_length=100, required=False, trim_whitespace=False)
    true_value = StrictFloatField(required=False)
    comment = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    picked_by = serializers.ChoiceField(Review.PickedBy.choices, default=Review.PickedBy.API)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        refuse_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


class TruthSerializer(OpinionSerializer):
    """One item of many: a prediction by our id or by the caller's reference, and its truth."""

    id = serializers.UUIDField(required=False)
    client_reference = serializers.CharField(max_length=255, required=False)
    picked_by = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("id" in attrs) == ("client_reference" in attrs):
            raise serializers.ValidationError("Expected either id or client_reference.", code="required")
        return attrs


class GroundTruthSerializer(serializers.Serializer):
    items = serializers.ListField(child=serializers.JSONField(), min_length=1, max_length=MAX_ITEMS)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        refuse_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


class ItemResultSerializer(serializers.Serializer):
    """What became of one item: its review, or a code and a sentence."""

    prediction = serializers.UUIDField(source="review.prediction_id", allow_null=True, default=None)
    review = ReviewSerializer(allow_null=True)
    code = serializers.CharField(source="error.code", allow_null=True, default=None)
    detail = serializers.CharField(source="error.message", allow_null=True, default=None)
    field = serializers.CharField(source="error.field", allow_null=True, default=None)


class GroundTruthResultSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ItemResultSerializer(many=True)


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

    @extend_schema_field(ReviewSerializer(allow_null=True))
    def get_review(self, row: Prediction) -> dict[str, Any] | None:
        """Return the reader's own opinion, else the newest one."""
        opinions: list[Review] = getattr(row, "opinions", [])  # a prediction made just now has none
        reader = self.context["request"].user
        mine = [one for one in opinions if one.reviewer_id == reader.pk]
        shown = (mine or opinions)[:1]
        return ReviewSerializer(shown[0], context=self.context).data if shown else None


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
