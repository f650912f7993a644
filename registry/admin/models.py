"""Admin pages of models, versions, and aliases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.admin import ReadOnlyAdmin, render_json, render_link
from core.formatting import NOT_AVAILABLE, format_bytes, format_local_time
from inference.errors import ArtifactMismatch, ModelUnavailable
from registry.admin.promote import PromoteView
from registry.integrity import find_artifact_problem
from registry.models import Alias, AliasChange, ModelVersion, RegisteredModel
from registry.presentation import describe_version
from registry.serving import get_previous_version

NOT_CHECKED = _("Not checked (no alias)")
INTEGRITY_BY_PROBLEM = {
    "": _("Intact"),
    ArtifactMismatch.code: _("Changed since registration. It will not be loaded."),
    ModelUnavailable.code: _("Missing or not readable."),
}


@admin.register(RegisteredModel)
class RegisteredModelAdmin(ReadOnlyAdmin):
    list_display = ("name", "title", "task", "created_at", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("task",)
    search_fields = ("name", "title")
    fields = ("name", "title", "description", "task", "created_at", "created_by", "version_links")
    readonly_fields = ("created_at", "created_by", "version_links")

    @admin.display(description=_("versions"))
    def version_links(self, row: RegisteredModel) -> SafeString | str:
        versions = row.versions.select_related("model")
        return format_html_join("", "<div>{}</div>", [(render_link(version),) for version in versions]) or NOT_AVAILABLE


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    change_form_template = "admin/registry/modelversion/change_form.html"
    list_display = ("__str__", "alias_names", "runtime", "readable_size", "served_integrity", "registered_at")
    list_select_related = ("model", "created_by")
    list_filter = ("model", "runtime")
    search_fields = ("model__name", "sha256")
    ordering = ("-id",)
    fields = (
        "model_link", "number", "alias_names", "description", "runtime", "artifact", "integrity", "sha256", "size",
        "trusted", "framework", "framework_version", "libraries_json", "signature_json", "labels_json", "examples_json",
        "notes", "created_at", "created_by",
    )  # fmt: skip
    readonly_fields = (
        "model_link", "alias_names", "description", "integrity", "libraries_json", "signature_json", "labels_json",
        "examples_json", "created_at", "created_by",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("aliases")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(PromoteView.as_view(model_admin=self))
        return [path("<path:object_id>/promote/", view, name="registry_modelversion_promote"), *super().get_urls()]

    @admin.display(description=_("aliases"))
    def alias_names(self, row: ModelVersion) -> str:
        return ", ".join(alias.name for alias in row.aliases.all()) or NOT_AVAILABLE

    @admin.display(description=_("size"), ordering="size")
    def readable_size(self, row: ModelVersion) -> str:
        return format_bytes(row.size)

    @admin.display(description=_("registered"), ordering="created_at")
    def registered_at(self, row: ModelVersion) -> str:
        return format_local_time(row.created_at)

    @admin.display(description=_("artifact integrity"))
    def integrity(self, row: ModelVersion) -> str:
        return str(INTEGRITY_BY_PROBLEM[find_artifact_problem(row)])

    @admin.display(description=_("artifact integrity"))
    def served_integrity(self, row: ModelVersion) -> str:
        """Return the integrity of a version with an alias. Other versions are not checked, because there can be hundreds."""
        return self.integrity(row) if row.aliases.all() else str(NOT_CHECKED)

    @admin.display(description=_("model"))
    def model_link(self, row: ModelVersion) -> str:
        return render_link(row.model)

    @admin.display(description=_("what was registered"))
    def description(self, row: ModelVersion) -> SafeString:
        rows = ((section, name, value) for section, name, value in describe_version(row))
        lines = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html("<table>{}</table>", lines)

    @admin.display(description=_("libraries"))
    def libraries_json(self, row: ModelVersion) -> str:
        return render_json(row.libraries)

    @admin.display(description=_("signature"))
    def signature_json(self, row: ModelVersion) -> str:
        return render_json(row.parsed_signature.to_dict())

    @admin.display(description=_("labels"))
    def labels_json(self, row: ModelVersion) -> str:
        return render_json(row.labels)

    @admin.display(description=_("examples"))
    def examples_json(self, row: ModelVersion) -> str:
        return render_json(row.examples)


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
        """Show the alias, with a link to roll back to the version that it pointed to before."""
        alias = self.get_object(request, object_id)
        previous = get_previous_version(alias.version, alias=alias.name) if alias else None
        context = {**(extra_context or {}), "previous_version": previous}
        return super().change_view(request, object_id, form_url, context)


@admin.register(AliasChange)
class AliasChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "model", "alias", "from_version", "to_version", "changed_by")
    list_select_related = ("model", "from_version__model", "to_version__model", "changed_by")
    list_filter = ("alias",)
    search_fields = ("model__name",)
