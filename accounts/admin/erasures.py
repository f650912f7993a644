"""Erasures of users in the admin. Read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.models import Erasure
from core.admin import ReadOnlyAdmin, render_json
from core.formatting import format_count


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "user", "requested_by", "completed_at", "shown_erased_rows", "shown_total_rows")
    list_select_related = ("user", "requested_by")
    ordering = ("-id",)
    fields = (
        *("id", "user", "requested_by", "requested_at", "completed_at"),
        *("shown_erased_rows", "shown_total_rows", "shown_counts"),
    )
    readonly_fields = fields

    @admin.display(description=_("erased rows"))
    def shown_erased_rows(self, erasure: Erasure) -> str:
        return format_count(erasure.erased_rows)

    @admin.display(description=_("total rows"))
    def shown_total_rows(self, erasure: Erasure) -> str:
        return format_count(erasure.total_rows)

    @admin.display(description=_("erased rows by kind"))
    def shown_counts(self, erasure: Erasure) -> str:
        return render_json(erasure.counts)
