"""Users in the admin. Nobody can give others more rights than they have: only superusers change rights and superusers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.removal import RemovalAdmin
from accounts.models import User
from core.admin import GuardedAdmin

RIGHTS_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(GuardedAdmin, RemovalAdmin, DjangoUserAdmin):
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("Limits"), {"fields": ("daily_quota",)}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *RIGHTS_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)


def _may_change(request: HttpRequest, user: User | None) -> bool:
    """Return whether the account of a user, or of any user, can be changed: with its password, one could sign in."""
    if user is None or request.user.is_superuser or user.pk == request.user.pk:
        return True
    return not user.is_superuser and user.get_all_permissions() <= request.user.get_all_permissions()
