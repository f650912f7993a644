"""Model admins of Django and of django-axes, with the checks of `GuardedAdmin`."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from core.admin import GuardedAdmin


def guard_admin(model: type[Model]) -> None:
    """Register the model admin of another package again, with the checks of `GuardedAdmin`."""
    original = type(admin.site.get_model_admin(model))
    admin.site.unregister(model)
    admin.site.register(model, type(f"Guarded{original.__name__}", (GuardedAdmin, original), {}))


class GuardedGroupAdmin(GuardedAdmin, GroupAdmin):
    """Groups are bundles of permissions, so only superusers change them. Others could give themselves more rights."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser


admin.site.unregister(Group)
admin.site.register(Group, GuardedGroupAdmin)
guard_admin(AccessAttempt)
admin.site.unregister((TOTPDevice, StaticDevice))  # they show the keys
admin.site.unregister((AccessLog, AccessFailureLog))  # they are empty: the audit log replaces them
