"""Models, versions and aliases. They come and go by command, which checks what it is given."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from predictions.admin.base import ReadOnlyAdmin, link_to, pretty
from predictions.models import Alias, AliasChange, ModelVersion, RegisteredModel


@admin.register(RegisteredModel)
class RegisteredModelAdmin(ReadOnlyAdmin):
    list_display = ("name", "title", "task", "created_at", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("task",)
    search_fields = ("name", "title")
    fields = ("name", "title", "description", "task", "created_at", "created_by", "version_links")
    readonly_fields = ("created_at", "created_by", "version_links")

    @admin.display(description="versions")
    def version_links(self, row: RegisteredModel) -> SafeString | str:
        versions = row.versions.select_related("model")
        return format_html_join("", "<div>{}</div>", [(link_to(version),) for version in versions]) or "–"


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "runtime", "framework", "framework_version", "size", "created_at", "created_by")
    list_select_related = ("model", "created_by")
    list_filter = ("model", "runtime")
    search_fields = ("model__name", "sha256")
    ordering = ("-id",)
    fields = (
        "model_link", "number", "runtime", "artifact", "sha256", "size", "framework", "framework_version",
        "pretty_signature", "pretty_labels", "notes", "created_at", "created_by",
    )  # fmt: skip
    readonly_fields = ("model_link", "pretty_signature", "pretty_labels", "created_at", "created_by")

    @admin.display(description="model")
    def model_link(self, row: ModelVersion) -> str:
        return link_to(row.model)

    @admin.display(description="signature")
    def pretty_signature(self, row: ModelVersion) -> str:
        return pretty(row.signature)

    @admin.display(description="labels")
    def pretty_labels(self, row: ModelVersion) -> str:
        return pretty(row.labels)


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "version")
    list_select_related = ("model", "version__model")
    list_filter = ("name",)
    search_fields = ("model__name",)


@admin.register(AliasChange)
class AliasChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "model", "alias", "from_version", "to_version", "changed_by")
    list_select_related = ("model", "from_version__model", "to_version__model", "changed_by")
    list_filter = ("alias",)
    search_fields = ("model__name",)
