"""Models, versions and aliases. They come by command, which checks what it is given; superusers move aliases here too."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from core.admin import ReadOnlyAdmin, link_to, pretty
from registry.admin.promote import PromoteView
from registry.integrity import find_artifact_problem
from registry.models import Alias, AliasChange, ModelVersion, RegisteredModel
from registry.serving import get_previous_version

STATES = {
    "": "as registered",
    "artifact-mismatch": "CHANGED: not the registered file; it will not be loaded",
    "model-unavailable": "MISSING: it cannot be read",
}


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
    change_form_template = "admin/registry/modelversion/change_form.html"
    list_display = ("__str__", "served_as", "runtime", "readable_size", "state", "when")
    list_select_related = ("model", "created_by")
    list_filter = ("model", "runtime")
    search_fields = ("model__name", "sha256")
    ordering = ("-id",)
    fields = (
        "model_link", "number", "served_as", "runtime", "artifact", "state", "sha256", "size", "trusted", "framework",
        "framework_version", "pretty_signature", "pretty_labels", "pretty_examples", "notes", "created_at", "created_by",
    )  # fmt: skip
    readonly_fields = (
        "model_link", "served_as", "state", "pretty_signature", "pretty_labels", "pretty_examples", "created_at",
        "created_by",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("aliases")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(PromoteView.as_view(model_admin=self))
        return [path("<path:object_id>/promote/", view, name="registry_modelversion_promote"), *super().get_urls()]

    @admin.display(description="aliases")
    def served_as(self, row: ModelVersion) -> str:
        return ", ".join(alias.name for alias in row.aliases.all()) or "–"

    @admin.display(description="size", ordering="size")
    def readable_size(self, row: ModelVersion) -> str:
        return filesizeformat(row.size)

    @admin.display(description="registered (UTC)", ordering="created_at")
    def when(self, row: ModelVersion) -> str:
        return f"{row.created_at:%Y-%m-%d %H:%M}"

    @admin.display(description="on the disk")
    def state(self, row: ModelVersion) -> str:
        return STATES[find_artifact_problem(row)]

    @admin.display(description="model")
    def model_link(self, row: ModelVersion) -> str:
        return link_to(row.model)

    @admin.display(description="signature")
    def pretty_signature(self, row: ModelVersion) -> str:
        return pretty(row.parsed_signature.to_dict())

    @admin.display(description="labels")
    def pretty_labels(self, row: ModelVersion) -> str:
        return pretty(row.labels)

    @admin.display(description="examples")
    def pretty_examples(self, row: ModelVersion) -> str:
        return pretty(row.examples)


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin):
    change_form_template = "admin/registry/alias/change_form.html"
    list_display = ("__str__", "version")
    list_select_related = ("model", "version__model")
    list_filter = ("name",)
    search_fields = ("model__name",)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show with an alias the version that it pointed at before, to go back to."""
        alias = self.get_object(request, object_id)
        before = get_previous_version(alias.version, alias=alias.name) if alias else None
        context = {**(extra_context or {}), "before": before}
        return super().change_view(request, object_id, form_url, context)


@admin.register(AliasChange)
class AliasChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "model", "alias", "from_version", "to_version", "changed_by")
    list_select_related = ("model", "from_version__model", "to_version__model", "changed_by")
    list_filter = ("alias",)
    search_fields = ("model__name",)
