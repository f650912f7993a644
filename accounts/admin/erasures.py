"""Erasures of users in the admin. Read-only."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Erasure
from core.admin import ReadOnlyAdmin


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "requested_by", "requested_at", "completed_at", "erased_rows", "total_rows")
    list_select_related = ("user", "requested_by")
    ordering = ("-id",)
