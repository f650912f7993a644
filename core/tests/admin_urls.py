"""URLs of admin pages."""

from __future__ import annotations

from django.apps import apps
from django.urls import reverse

APPS = ("registry", "predictions", "monitoring", "accounts")


def get_list_url(model_name):
    """Return the URL of a model's list, in whichever app the model is."""
    app = next(app for app in APPS if model_name in apps.get_app_config(app).models)
    return reverse(f"admin:{app}_{model_name}_changelist")


def get_change_url(row):
    """Return the URL of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
