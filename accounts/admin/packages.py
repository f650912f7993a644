"""Model admins of Django and of django-axes, with the checks of `GuardedAdmin`."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from core.admin import GuardedAdmin


def guard_admin(model: type[Model]) -> None:
    """Register the model admin of another package again, with the checks of `GuardedAdmin`."""
    original = type(admin.site.get_model_admin(model))
    admin.site.unregister(model)
    admin.site.register(model, type(f"Guarded{original.__name__}", (GuardedAdmin, original), {}))


for guarded_model in (Group, AccessAttempt):
    guard_admin(guarded_model)
admin.site.unregister((TOTPDevice, StaticDevice))  # they show the keys
admin.site.unregister((AccessLog, AccessFailureLog))  # they are empty: the audit log replaces them
