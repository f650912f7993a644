"""Questions in, predictions and inputs out."""

from __future__ import annotations

import base64
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from core.api.fields import reject_unknown_fields
from predictions.api.serializers.fields import FeatureOrderField, FeaturesField, UploadField
from predictions.api.serializers.review import ReviewSerializer
from predictions.models import Input, Prediction, Review
from predictions.services.stored_files import read_stored_file

REST_FIELD = serializers.SerializerMethodField


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
        reject_unknown_fields(data, self.fields)
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
        data = read_stored_file(row, reader=self.context["request"].user)
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
            row = {feature.name: value for feature, value in instance.get_features()}
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
        opinions: list[Review] = getattr(row, "active_reviews", [])  # a prediction made just now has none
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
