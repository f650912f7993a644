"""Retention policies and their runs in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from core.admin import GuardedAdmin, ReadOnlyAdmin
from predictions.models import RetentionPolicy, RetentionRun
from predictions.services.retention import POLICY_FIELDS, change_retention, set_retention

REMOVED_FIELDS = ("removed_images", "removed_predictions", "removed_job_files")


@admin.register(RetentionPolicy)
class RetentionPolicyAdmin(GuardedAdmin):
    list_display = ("model", "image_days", "row_days", "keep_reviewed")
    list_select_related = ("model",)
    fields = ("model", "image_days", "row_days", "keep_reviewed")
    ordering = ("model__name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("model",) if obj else ()

    def save_model(self, request: HttpRequest, obj: RetentionPolicy, form: Any, change: bool) -> None:
        values = {name: getattr(obj, name) for name in POLICY_FIELDS}
        if change:
            change_retention(policy=obj, changes={name: values[name] for name in form.changed_data})
        else:
            set_retention(model=obj.model, **values)


@admin.register(RetentionRun)
class RetentionRunAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "model", "trigger", "completed_at", *REMOVED_FIELDS)
    list_select_related = ("model",)
    list_filter = ("model",)
    ordering = ("-id",)
    fields = readonly_fields = (
        *("model", "trigger", "started_at", "completed_at", "image_days", "row_days", "keep_reviewed"),
        *REMOVED_FIELDS,
    )
