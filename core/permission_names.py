"""Name permissions in the user's language. Django stores their names in English."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.utils.text import capfirst
from django.utils.translation import gettext

ACTIONS = {"add": "Add", "change": "Change", "delete": "Delete", "view": "View"}  # Django's admin translates them


def format_permission(permission: Permission) -> str:
    """Return the app, the model, and the action of a permission: `Predictions | Review | View`."""
    content_type = permission.content_type
    model = content_type.model_class()
    action, separator, name = permission.codename.partition("_")
    is_derived = bool(separator) and name == content_type.model and action in ACTIONS
    text = gettext(ACTIONS[action] if is_derived else permission.name)
    if model is None:  # the app was removed
        return f"{content_type.app_label} | {content_type.model} | {text}"
    return f"{model._meta.app_config.verbose_name} | {capfirst(model._meta.verbose_name)} | {text}"
