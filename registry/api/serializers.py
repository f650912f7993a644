"""Serializers of registered models and their versions."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from registry.models import ModelVersion, RegisteredModel


class ModelVersionSerializer(serializers.ModelSerializer):
    notices = serializers.ListField(child=serializers.CharField(), read_only=True)
    libraries = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ModelVersion
        fields = (
            "number", "runtime", "framework", "framework_version", "sha256", "size", "signature", "labels", "trusted",
            "notes", "notices", "libraries", "created_at",
        )  # fmt: skip


class RegisteredModelSerializer(serializers.ModelSerializer):
    url = serializers.HyperlinkedIdentityField(view_name="api:model-detail", lookup_field="name")
    aliases = serializers.SerializerMethodField()
    versions = ModelVersionSerializer(many=True)

    class Meta:
        model = RegisteredModel
        fields = ("name", "url", "title", "description", "task", "aliases", "versions", "created_at")

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_aliases(self, row: RegisteredModel) -> dict[str, int]:
        return {alias.name: alias.version.number for alias in row.aliases.all()}
