"""Fields of request bodies."""

from __future__ import annotations

from typing import Any

from django.core.files.base import File
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.utils import html

from core.api.base64_images import decode_image
from core.api.parsers import parse_json_part
from inference.errors import InvalidInput
from inference.messages import quote_value
from inference.signature.table import MAX_FEATURES

MAX_TRUE_LABELS = 10_000
VALUE_SCHEMA: dict[str, Any] = {}  # a number, a string, a boolean, or null; OpenAPI Generator wraps values of several types
ROW_SCHEMA = {"oneOf": [{"type": "object", "additionalProperties": VALUE_SCHEMA}, {"type": "array", "items": VALUE_SCHEMA}]}


@extend_schema_field(
    {"type": "string", "description": "The image as base64 or as a data URL. URLs are not fetched."},
)
class ImageField(serializers.FileField):
    """An uploaded file, or an image as base64. The service checks its size and content."""

    def to_internal_value(self, data: Any) -> File:
        if isinstance(data, File):
            return data
        try:
            return decode_image(data)
        except InvalidInput as error:
            raise serializers.ValidationError(error.message, code=error.code) from error


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(ImageField):
    """The same field as a file part in the OpenAPI schema."""


@extend_schema_field(ROW_SCHEMA)
class FeaturesField(serializers.JSONField):
    """A row of features, which the service validates. In a multipart body it is JSON text, parsed like a JSON body."""

    def get_value(self, dictionary: Any) -> Any:
        value = super().get_value(dictionary)
        file = dictionary.get(self.field_name) if hasattr(dictionary, "getlist") else None
        if isinstance(file, File):  # curl -F features=@row.json sends a file part
            return parse_json_part(file.read(), self.field_name)
        return parse_json_part(value, self.field_name) if getattr(value, "is_json_string", False) else value


@extend_schema_field(OpenApiTypes.STR)
class TextField(serializers.Field):
    """A text, passed on unchanged. The service validates it."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, str):
            return data
        received = "a file" if isinstance(data, File) else quote_value(data)
        raise serializers.ValidationError(f"Expected text. Received: {received}.", code="wrong-type")


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": MAX_FEATURES})
class FeatureOrderField(serializers.Field):
    """A list of feature names. The service compares it with the signature."""

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) <= MAX_FEATURES and all(isinstance(name, str) for name in data):
            return data
        raise serializers.ValidationError(f"Expected a list of up to {MAX_FEATURES:,} feature names.", code="wrong-type")


@extend_schema_field({"type": "array", "items": {"type": "string"}, "maxItems": MAX_TRUE_LABELS})
class LabelListField(serializers.Field):
    """A list of labels. The service compares it with the labels of the model version."""

    def get_value(self, dictionary: Any) -> Any:
        if html.is_html_input(dictionary) and self.field_name in dictionary:
            return [label for label in dictionary.getlist(self.field_name) if label]
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and len(data) <= MAX_TRUE_LABELS and all(isinstance(label, str) for label in data):
            return data
        raise serializers.ValidationError(f"Expected a list of up to {MAX_TRUE_LABELS:,} labels.", code="wrong-type")

    def to_representation(self, value: Any) -> Any:
        return value
