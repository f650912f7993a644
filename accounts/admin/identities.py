"""Identities of users at the provider of an organization. They can only be deleted, which ends the link to the account."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import ExternalIdentity
from core.admin import ReadOnlyAdmin


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnlyAdmin):
    list_display = ("user", "issuer", "subject", "created_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "subject")
    fields = readonly_fields = ("user", "issuer", "subject", "created_at")
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user is a superuser: a new sign-in can create or link another account."""
        return bool(request.user.is_active and request.user.is_superuser)
