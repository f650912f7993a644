"""Serializers of predictions and inputs."""

from __future__ import annotations

import base64
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from core.api.fields import reject_unknown_fields
from predictions.api.serializers.fields import FeatureOrderField, FeaturesField, TextField, UploadField
from predictions.api.serializers.review import ReviewSerializer
from predictions.models import Input, Prediction, Review
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from predictions.presentation import find_own_review
from predictions.services.stored_files import read_stored_file
from registry.references import MAX_REFERENCE_CHARACTERS


class PredictionRequestSerializer(serializers.Serializer):
    """The input and the model to predict with. Unknown keys are rejected."""

    image = UploadField(required=False)
    features = FeaturesField(
        required=False,
        help_text="Values by feature name, or a list of values in the order of the signature, together with feature_order.",
    )
    feature_order = FeatureOrderField(required=False, help_text="The feature names, if features is a list of values.")
    text = TextField(required=False, help_text="The text, for models that take text.")
    model = serializers.CharField(
        max_length=MAX_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="name, name@alias, or name:version. If omitted, the default model of the site is used.",
    )
    client_reference = serializers.CharField(
        max_length=MAX_CLIENT_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="Your own ID or note, stored with the prediction.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields)
        if hasattr(data, "getlist") and len(data.getlist("image")) > 1:
            raise serializers.ValidationError(
                {"image": "Expected one image. Send one request per image."}, code="one-file-only"
            )
        return super().to_internal_value(data)


class ImageRequestSerializer(PredictionRequestSerializer):
    """An image, for some models with features as JSON, and the model to predict with, as multipart/form-data."""

    text = None  # type: ignore[assignment]
    feature_order = None  # type: ignore[assignment]


class InputSerializer(serializers.ModelSerializer):
    """An image, a row of features, a text, or an image with features."""

    url = serializers.HyperlinkedIdentityField(view_name="api:input-detail")
    image_url = serializers.SerializerMethodField()
    features = serializers.SerializerMethodField()
    text = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Input
        fields = (
            "id", "kind", "url", "image_url", "sha256", "content_type", "width", "height", "original_name", "features",
            "text",
        )  # fmt: skip

    @extend_schema_field({"type": "object", "nullable": True, "additionalProperties": {}})
    def get_features(self, row: Input) -> dict[str, Any] | None:
        return None if row.kind == Input.Kind.TEXT else row.features

    def get_image_url(self, row: Input) -> str | None:
        if not row.has_image:
            return None
        return reverse("api:input-image", args=[row.pk], request=self.context.get("request"))


class InputWithImageSerializer(InputSerializer):
    """An input with the image itself as a data URL."""

    image = serializers.SerializerMethodField()

    class Meta(InputSerializer.Meta):
        fields = (*InputSerializer.Meta.fields, "image")  # type: ignore[assignment]

    def get_image(self, row: Input) -> str | None:
        if not row.has_image:
            return None
        data = read_stored_file(row, reader=self.context["request"].user)
        return f"data:{row.content_type};base64,{base64.b64encode(data).decode()}"


class TimingsSerializer(serializers.ModelSerializer):
    """Durations in milliseconds."""

    class Meta:
        model = Prediction
        fields = ("queue_ms", "preprocess_ms", "inference_ms")


class ErrorSerializer(serializers.Serializer):
    """The reason why a prediction failed."""

    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")


class PredictionSerializer(serializers.ModelSerializer):
    """A prediction: the output of one model version for one input."""

    url = serializers.HyperlinkedIdentityField(view_name="api:prediction-detail")
    model = serializers.CharField(source="model_version.model.name")
    model_version = serializers.IntegerField(source="model_version.number")
    input = InputSerializer()
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    labels = serializers.ListField(
        source="predicted_labels",
        child=serializers.CharField(),
        allow_null=True,
        read_only=True,
        help_text="The predicted labels of a multi-label model, in the order of the version. Null for other models.",
    )
    output = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    timings = TimingsSerializer(source="*")
    review = serializers.SerializerMethodField()

    class Meta:
        model = Prediction
        fields = (
            "id", "url", "status", "source", "model", "model_version", "input", "label", "labels", "confidence",
            "value", "output", "error", "client_reference", "timings", "created_at", "completed_at", "review",
        )  # fmt: skip

    def to_representation(self, instance: Prediction) -> Any:
        """Return the features in the order of the signature. Databases may reorder JSON keys."""
        data = super().to_representation(instance)
        if data["input"]["features"] is not None:
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
            "description": "Scores by label (with the predicted labels of a multi-label model), a label, a value, or raw.",
            "properties": {
                "scores": {"type": "object", "additionalProperties": {"type": "number"}},
                "label": {"type": "string"},
                "labels": {"type": "array", "items": {"type": "string"}},
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
        """Return the user's own review or, if there is none, the newest one."""
        newest: list[Review] = getattr(row, "active_reviews", [])  # not set on a prediction that was just created
        review = find_own_review(row, self.context["request"].user) or next(iter(newest), None)
        return ReviewSerializer(review, context=self.context).data if review else None


class PredictionWithImageSerializer(PredictionSerializer):
    """A prediction with the image as a data URL."""

    input = InputWithImageSerializer()


class PredictionWithFeaturesSerializer(PredictionSerializer):
    """A prediction with the features of its input next to the output."""

    features = serializers.SerializerMethodField()

    class Meta(PredictionSerializer.Meta):
        fields = (*PredictionSerializer.Meta.fields, "features")  # type: ignore[assignment]

    @extend_schema_field({"type": "object", "nullable": True, "additionalProperties": {}})
    def get_features(self, row: Prediction) -> dict[str, Any] | None:
        return None if row.input.kind == Input.Kind.TEXT else row.input.features
