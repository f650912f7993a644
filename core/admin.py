"""Base classes and helpers for admin pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ERROR_FLAG
from django.db.models import Model
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from core.formatting import NOT_AVAILABLE, format_json
from core.pagination import BoundedPaginator


class ReadOnlyAdmin(admin.ModelAdmin):
    """Show rows without forms. No user can add, change, or delete a row. Lists do not count whole tables."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list. Reject NUL characters in parameters, which PostgreSQL does not accept."""
        title = capfirst(self.opts.verbose_name_plural)
        extra_context = {"title": title, **(extra_context or {})}
        if any("\0" in value for name in request.GET for value in request.GET.getlist(name)):
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def view_on_site(self, obj: Model) -> str | None:
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def render_link(row: Model | None, text: str = "") -> str | SafeString:
    """Return a link to the admin page of a row, or a dash for None."""
    if row is None:
        return NOT_AVAILABLE
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def render_json(value: Any) -> SafeString:
    """Return a value as an indented block of JSON."""
    return format_html("<pre>{}</pre>", format_json(value))
