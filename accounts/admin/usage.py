"""What users have used of their limits, in the admin. Read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Usage
from core.admin import ReadOnlyAdmin


@admin.register(Usage)
class UsageAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "used", "started_at")
    list_select_related = ("user",)
    list_filter = ("kind",)
    search_fields = ("user__username",)
    ordering = ("-started_at",)
