"""Serializers of predictions and inputs.

The response serializers declare the fields for the OpenAPI schema; `representation` builds the values.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from core.api.fields import reject_unknown_fields
from predictions.api.representation import Include, get_base_url, get_url_suffix, represent_input, represent_prediction
from predictions.api.serializers.fields import FeatureOrderField, FeaturesField, ImageField, TextField, UploadField
from predictions.api.serializers.review import ReviewSerializer
from predictions.models import Input, Prediction
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from registry.references import MAX_REFERENCE_CHARACTERS


@extend_schema_serializer(component_name="Prediction")  # the suffix Request is added
class PredictionRequestSerializer(serializers.Serializer):
    """The input and the model to predict with. Unknown keys are rejected."""

    image = ImageField(required=False)
    file = ImageField(required=False, help_text="Another name for `image`.")
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
    expires_in = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=settings.MAX_EXPIRES_IN,
        help_text="Seconds after which the prediction fails if it has not started. Requires Prefer: respond-async.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        reject_unknown_fields(data, self.fields, repeatable=("image", "file"))
        counts = {name: len(data.getlist(name)) if hasattr(data, "getlist") else name in data for name in ("image", "file")}
        if sum(counts.values()) > 1:
            raise serializers.ValidationError(
                {"image": "Expected one image, in the field image or file. Send one request per image."},
                code="one-file-only",
            )
        values = super().to_internal_value(data)
        if "file" in values:
            values["image"] = values.pop("file")
        return values


@extend_schema_serializer(component_name="ImagePrediction")
class ImageRequestSerializer(PredictionRequestSerializer):
    """The image, the features if the model also takes features, and the model to predict with. Unknown keys are rejected."""

    image = UploadField(required=False)
    file = UploadField(required=False, help_text="Another name for `image`.")
    text = None  # type: ignore[assignment]
    feature_order = None  # type: ignore[assignment]


@extend_schema_field({"type": "object", "nullable": True, "additionalProperties": {}})
class StoredFeaturesField(serializers.ReadOnlyField):
    """The features of an input by name; null for an image or a text."""


@extend_schema_field({"type": "string", "nullable": True})
class NullableTextField(serializers.ReadOnlyField):
    """A text or null."""


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
class OutputField(serializers.ReadOnlyField):
    """The output of a model; null if the prediction failed."""


class InputSerializer(serializers.ModelSerializer):
    """An image, a row of features, a text, or an image with features."""

    url = serializers.HyperlinkedIdentityField(view_name="api:input-detail")
    image_url = NullableTextField()
    features = StoredFeaturesField()
    text = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Input
        fields = (
            "id", "kind", "url", "image_url", "sha256", "content_type", "width", "height", "original_name", "features",
            "text", "data_removed_at",
        )  # fmt: skip

    def to_representation(self, instance: Input) -> dict[str, Any]:
        return represent_input(
            instance,
            base_url=get_base_url(self.context["request"]),
            url_suffix=get_url_suffix(self.context["request"]),
        )


class InputWithImageSerializer(InputSerializer):
    """An input with the image itself as a data URL."""

    image = NullableTextField()

    class Meta(InputSerializer.Meta):
        fields = (*InputSerializer.Meta.fields, "image")  # type: ignore[assignment]


class TimingsSerializer(serializers.ModelSerializer):
    """Durations in milliseconds."""

    class Meta:
        model = Prediction
        fields = ("queue_ms", "preprocess_ms", "inference_ms", "decode_ms")


class PredictionErrorSerializer(serializers.Serializer):
    """The reason why a prediction failed."""

    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")


class PredictionWarningSerializer(serializers.Serializer):
    """A reason to doubt a prediction."""

    code = serializers.CharField()
    message = serializers.CharField()


@extend_schema_field(PredictionErrorSerializer(allow_null=True))
class ErrorField(serializers.ReadOnlyField):
    """The reason why a prediction failed; null if it did not fail."""


@extend_schema_field(ReviewSerializer(allow_null=True))
class NewestReviewField(serializers.ReadOnlyField):
    """The reader's own review or, if there is none, the newest one; null if there is none."""


class PredictionSerializer(serializers.ModelSerializer):
    """A prediction: the output of one model version for one input."""

    include: ClassVar[Include | None] = None

    url = serializers.HyperlinkedIdentityField(view_name="api:prediction-detail")
    model = serializers.CharField(source="model_version.model.name")
    model_version = serializers.IntegerField(source="model_version.number")
    input = InputSerializer()
    label = NullableTextField()  # type: ignore[assignment]
    labels = serializers.ListField(
        source="predicted_labels",
        child=serializers.CharField(),
        allow_null=True,
        read_only=True,
        help_text="The predicted labels of a multi-label model, in the order of the version. Null for other models.",
    )
    output = OutputField()
    error = ErrorField()
    warnings = PredictionWarningSerializer(many=True, read_only=True)
    tags = serializers.ListField(
        source="shown_tags", default=list, child=serializers.CharField(), read_only=True, help_text="Oldest first."
    )
    timings = TimingsSerializer(source="*")
    review = NewestReviewField()

    class Meta:
        model = Prediction
        fields = (
            "id", "url", "status", "source", "model", "model_version", "input", "label", "labels", "confidence",
            "value", "output", "error", "client_reference", "timings", "created_at", "completed_at", "review", "warnings",
            "tags",
        )  # fmt: skip

    def to_representation(self, instance: Prediction) -> dict[str, Any]:
        base_url, url_suffix = self._urls
        return represent_prediction(
            instance,
            base_url=base_url,
            url_suffix=url_suffix,
            reader=self.context["request"].user,
            include=self.include,
        )

    @cached_property
    def _urls(self) -> tuple[str, str]:
        """The base and the suffix of all URLs, the same for all rows of a list."""
        request = self.context["request"]
        return get_base_url(request), get_url_suffix(request)


class PredictionWithImageSerializer(PredictionSerializer):
    """A prediction with the image as a data URL."""

    include = "image"

    input = InputWithImageSerializer()


class PredictionWithFeaturesSerializer(PredictionSerializer):
    """A prediction with the features of its input next to the output."""

    include = "features"

    features = StoredFeaturesField()

    class Meta(PredictionSerializer.Meta):
        fields = (*PredictionSerializer.Meta.fields, "features")  # type: ignore[assignment]
