"""Serializers of batch requests and of their results."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.base import File
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from core.api.fields import reject_unknown_fields
from inference.messages import quote_value
from predictions.api.serializers.fields import ROW_SCHEMA, FeatureOrderField
from predictions.api.serializers.prediction import PredictionSerializer
from registry.references import MAX_REFERENCE_CHARACTERS

FILE_FIELD = "file"  # another name for the parts with the images
TEXT_SCHEMA = {"type": "string"}
ROW_LIST = {"type": "array", "minItems": 1, "maxItems": settings.MAX_BATCH_ROWS}
IMAGE_LIST = {"type": "array", "minItems": 1, "maxItems": settings.MAX_BATCH_IMAGES}
ITEM_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string", "description": "The image as base64 or as a data URL."},
        "file": {"type": "string", "description": "Another name for `image`."},
        "features": ROW_SCHEMA,
        "feature_order": {"type": "array", "items": TEXT_SCHEMA},
        "text": TEXT_SCHEMA,
        "client_reference": {"type": "string", "maxLength": 255},
    },
}


class RawListField(serializers.Field):
    """A list whose items are passed on unchanged. Each item has its own result, so the items are validated later.

    In a multipart body, the list consists of all parts with this name.
    """

    def get_value(self, dictionary: Any) -> Any:
        if hasattr(dictionary, "getlist"):
            return dictionary.getlist(self.field_name) or serializers.empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            return data
        raise serializers.ValidationError(f"Expected a list. Received: {quote_value(data)}.", code="wrong-type")


@extend_schema_field({**IMAGE_LIST, "items": {"type": "string", "format": "binary"}})
class ImagesField(RawListField):
    """All file parts with the name `image`, or all with the name `file`."""

    def get_value(self, dictionary: Any) -> Any:
        lists = [dictionary.getlist(name) for name in (self.field_name, FILE_FIELD) if name in dictionary]
        return lists[0] if len(lists) == 1 else lists or serializers.empty

    def to_internal_value(self, data: Any) -> list[Any]:
        if data and isinstance(data[0], list):
            raise serializers.ValidationError(
                "Send all images in parts with the name image, or all in parts with the name file. Received: both.",
                code="wrong-input",
            )
        if any(isinstance(item, File) for item in data):
            return data  # a part that is not a file has an error of its own
        raise serializers.ValidationError(
            "Expected files. Send multipart/form-data with each image as a file part with the name image.",
            code="not-a-file",
        )


@extend_schema_field({**ROW_LIST, "items": ROW_SCHEMA})
class RowsField(RawListField):
    """A list of rows of features."""


@extend_schema_field({**ROW_LIST, "items": TEXT_SCHEMA})
class TextsField(RawListField):
    """A list of texts."""


@extend_schema_field({**ROW_LIST, "items": ITEM_SCHEMA})
class ItemsField(RawListField):
    """A list of inputs, each with the fields of a single request."""


@extend_schema_serializer(component_name="Batch")  # the suffix Request is added
class BatchRequestSerializer(serializers.Serializer):
    """One list of inputs, and the model to predict with. Unknown keys are rejected."""

    features = RowsField(
        required=False,
        help_text="Rows: objects of values by feature name, or lists of values in the order of feature_order.",
    )
    feature_order = FeatureOrderField(
        required=False, help_text="The feature names, in the order of the signature, if the rows are lists of values."
    )
    text = TextsField(required=False, help_text="Texts, for models that take text.")
    items = ItemsField(
        required=False, help_text="Inputs of any kind, with the fields of a single request, such as images as base64."
    )
    client_reference = TextsField(
        required=False,
        help_text="Your own ID or note for each input, in the same order. Not for items, which have their own.",
    )
    model = serializers.CharField(
        max_length=MAX_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="name, name@alias, or name:version. If omitted, the default model of the site is used.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "image" in data:
            raise serializers.ValidationError(
                {"image": "Send the images as base64 in items, or as multipart/form-data."}, code="wrong-input"
            )
        reject_unknown_fields(data, self.fields)
        return super().to_internal_value(data)


@extend_schema_serializer(component_name="ImageBatch")
class BatchImagesSerializer(serializers.Serializer):
    """The images, and the model to predict with. Unknown keys are rejected."""

    image = ImagesField(required=False, help_text="Repeat this part for each image.")
    client_reference = TextsField(
        required=False, help_text="Your own ID or note. Repeat this part for each image, in the same order."
    )
    model = serializers.CharField(
        max_length=MAX_REFERENCE_CHARACTERS,
        default="",
        allow_blank=True,
        help_text="name, name@alias, or name:version. If omitted, the default model of the site is used.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if any(name in data for name in ("features", "text", "items")):
            raise serializers.ValidationError(
                {"features": "With multipart/form-data, a batch consists of images. Send all other inputs as JSON."},
                code="wrong-input",
            )
        reject_unknown_fields(data, [*self.fields, FILE_FIELD], repeatable=("image", FILE_FIELD, "client_reference"))
        return super().to_internal_value(data)


class ProblemErrorSerializer(serializers.Serializer):
    """An invalid field of an input."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class BatchItemProblemSerializer(serializers.Serializer):
    """The problem (RFC 9457) that a single request with the input would have returned."""

    type = serializers.CharField(help_text="Always about:blank.")
    title = serializers.CharField(help_text="The name of the status.")
    status = serializers.IntegerField(help_text="The HTTP status of a single request.")
    detail = serializers.CharField(help_text="What is wrong, and what to do.")
    code = serializers.CharField(help_text="Stable, for programs.")
    errors = ProblemErrorSerializer(many=True)  # type: ignore[assignment]


class BatchItemResultSerializer(serializers.Serializer):
    """The result of one input: either the stored prediction or a problem."""

    index = serializers.IntegerField(help_text="Position of the input in the request, from 0.")
    prediction = PredictionSerializer(allow_null=True, help_text="Its status is failed if the model failed.")
    error = BatchItemProblemSerializer(allow_null=True, help_text="Why the input was rejected. Nothing is stored for it.")


class BatchResultSerializer(serializers.Serializer):
    """The results of all inputs, in the order of the request."""

    count = serializers.IntegerField(help_text="Number of inputs.")
    succeeded = serializers.IntegerField(help_text="Number of predictions that succeeded.")
    failed = serializers.IntegerField(help_text="Number of inputs that were rejected or whose prediction failed.")
    results = BatchItemResultSerializer(many=True)
