"""Record changes of rights in the audit log: groups and permissions of users, permissions of groups, and flags of users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_save

from accounts.models import User
from accounts.services.audit import Action, AuditObject, describe_user, record_action

FLAGS = ("is_active", "is_staff", "is_superuser")
CHANGES_ATTRIBUTE = "_changed_flags"
VERBS = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}
# The names of each relation at both ends.
ACCESSORS = {
    User.groups.through: ("groups", "user_set"),
    User.user_permissions.through: ("user_permissions", "user_set"),
    Group.permissions.through: ("permissions", "group_set"),
}


def connect_receivers() -> None:
    """Record changes that any part of the site makes, except for bulk updates."""
    for through in ACCESSORS:
        m2m_changed.connect(record_membership, sender=through, dispatch_uid="accounts.rights")
    pre_save.connect(find_changed_flags, sender=User, dispatch_uid="accounts.rights")
    post_save.connect(record_changed_flags, sender=User, dispatch_uid="accounts.rights")


def record_membership(
    *, sender: Any, instance: Any, action: str, reverse: bool, model: Any, pk_set: set[Any] | None, **options: Any
) -> None:
    """Record which groups or permissions a user or a group got or lost."""
    if action not in VERBS:
        return
    if pk_set is None:
        pk_set = set(getattr(instance, ACCESSORS[sender][reverse]).values_list("pk", flat=True))
    others = list(model._default_manager.filter(pk__in=pk_set)) if pk_set else []
    pairs = [(other, [instance]) for other in others] if reverse else [(instance, others)]
    kind = Action.GROUPS_CHANGED if sender is User.groups.through else Action.PERMISSIONS_CHANGED
    for holder, held in pairs:
        if held:
            names = sorted(_name_right(right) for right in held)
            record_action(action=kind, on=_describe_holder(holder), details={VERBS[action]: names})


def find_changed_flags(sender: Any, instance: User, update_fields: Any = None, **options: Any) -> None:
    """Remember which flags of a user a save will change."""
    names = [name for name in FLAGS if update_fields is None or name in update_fields]
    old: dict[str, Any] = {"is_active": True, "is_staff": False, "is_superuser": False}
    if names and not instance._state.adding:
        old = User.objects.filter(pk=instance.pk).values(*names).first() or old
    changes = {name: getattr(instance, name) for name in names if getattr(instance, name) != old[name]}
    setattr(instance, CHANGES_ATTRIBUTE, changes)


def record_changed_flags(sender: Any, instance: User, **options: Any) -> None:
    """Record the flags that a save has changed. The flags of a new user are compared with those of an ordinary one."""
    if changes := getattr(instance, CHANGES_ATTRIBUTE, None):
        record_action(action=Action.RIGHTS_CHANGED, on=describe_user(instance), details=changes)


def _describe_holder(holder: Model) -> AuditObject:
    return describe_user(holder) if isinstance(holder, User) else AuditObject("group", holder.pk, str(holder))


def _name_right(right: Group | Permission) -> str:
    return f"{right.content_type.app_label}.{right.codename}" if isinstance(right, Permission) else right.name
