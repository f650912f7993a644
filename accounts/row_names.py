"""Name rows of Django and of django-axes in the user's language. These packages name them in English, or by their key."""

from __future__ import annotations

from typing import Any, cast

from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.formatting import format_local_time
from core.permission_names import format_permission

GROUP_NAMES = {
    "Model owners": _("Model owners"),
    "Operators": _("Operators"),
    "Reviewers": _("Reviewers"),
}
"""The groups that migrations create. The database contains their English names, by which the code finds them."""

RELATION_NAMES = (
    (Group.permissions.through, _("permission of a group"), _("permissions of groups")),
    (User.groups.through, _("membership in a group"), _("memberships in groups")),
    (User.user_permissions.through, _("permission of a user"), _("permissions of users")),
)


def format_group(group: Group) -> str:
    return str(GROUP_NAMES.get(group.name, group.name))


def format_attempt(attempt: AccessAttempt) -> str:
    """Return the kind, the username, and the time of the last failed attempts to sign in."""
    name = attempt.username or gettext("Unknown")
    return f"{capfirst(attempt._meta.verbose_name)}: {name}, {format_local_time(attempt.attempt_time)}"


def format_relation(row: Any) -> str:
    """Return both sides of a row that relates a user or a group to a group or a permission."""
    owner = row.user if hasattr(row, "user_id") else row.group
    right = format_permission(row.permission) if hasattr(row, "permission_id") else row.group
    return f"{owner}: {right}"


def name_rows() -> None:
    """Replace the texts of these rows."""
    cast(Any, Group).__str__ = format_group
    cast(Any, AccessAttempt).__str__ = format_attempt
    for model, name, plural in RELATION_NAMES:
        model.__str__ = format_relation  # type: ignore[method-assign]
        model._meta.verbose_name, model._meta.verbose_name_plural = name, plural
