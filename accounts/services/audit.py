"""Record what users and operators do in the audit log, and remove old entries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.checks import MIN_AUDIT_LOG_DAYS
from accounts.current_request import current_request
from accounts.models import AuditEntry, User
from accounts.requests import get_client_address, is_valid_address

logger = logging.getLogger(__name__)

Action = AuditEntry.Action
USER = "user"  # the object type of entries about a user
MAX_NAME_CHARACTERS = AuditEntry._meta.get_field("object_name").max_length
MAX_DELETED_ENTRIES = 1000  # per statement


class AuditObject(NamedTuple):
    """What an action was applied to: its type, such as `token`, its ID, and its name."""

    type: str
    id: object = ""
    name: str = ""


def record_action(
    *,
    action: AuditEntry.Action,
    actor: AbstractBaseUser | AnonymousUser | None = None,
    on: AuditObject | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry to the audit log. Call it in the transaction of the action, if there is one.

    Args:
        actor: who did it. By default the user of the current request. Commands and background work have none.
        on: what the action was applied to. Its name is cleared when a user with its ID is removed.
        details: JSON without personal data, which is never removed before the entry.
    """
    request = current_request.get()
    actor = actor if actor is not None else getattr(request, "user", None)
    target = on or AuditObject("")
    entry = AuditEntry.objects.create(
        action=action,
        actor_id=actor.pk if actor is not None and actor.is_authenticated else None,
        address=_find_address(request),
        object_type=target.type,
        object_id=str(target.id),
        object_name=target.name[:MAX_NAME_CHARACTERS],
        details=dict(details or {}),
    )
    extra = {
        "action": entry.action,
        "user": str(entry.actor_id or ""),
        "object_type": target.type,
        "object": entry.object_id,
    }
    logger.info("audit", extra=extra | {"details": entry.details})
    return entry


def describe_user(user: User) -> AuditObject:
    """Return a user as the object of an action."""
    return AuditObject(USER, user.pk, user.get_username())


def record_failed_sign_in(*, username: str, is_locked: bool) -> AuditEntry:
    """Record a wrong password or code. The object is the user with this name, if there is one."""
    user = User.objects.filter(username=username).only("pk").first()
    on = AuditObject(USER, user.pk if user else "", username)
    return record_action(action=Action.SIGN_IN_FAILED, actor=AnonymousUser(), on=on, details={"locked": is_locked})


def clear_audit_entries(*, user: User, username: str, email: str = "") -> None:
    """Remove the address and the name of a user from the audit log. Deleting the user also clears the actor.

    Some sign-ins that failed have only the name that was entered: before the account existed, or with the email address or
    other capital letters instead of the username.

    Args:
        username, email: of the account before the removal.
    """
    entered = Q(object_name__iexact=username) | (Q(object_name__iexact=email) if email else Q())
    about = Q(object_type=USER) & (Q(object_id=str(user.pk)) | Q(object_id="") & entered)
    AuditEntry.objects.filter(about, action=Action.SIGN_IN_FAILED).update(address=None)
    AuditEntry.objects.filter(about).update(object_name="")
    AuditEntry.objects.filter(actor=user).update(address=None)


def delete_old_entries() -> None:
    """Delete entries that are older than `AUDIT_LOG_DAYS`, at least 30 days, in short transactions. With 0, none are."""
    if not settings.AUDIT_LOG_DAYS:
        return
    oldest = timezone.now() - timedelta(days=max(settings.AUDIT_LOG_DAYS, MIN_AUDIT_LOG_DAYS))
    has_more = True
    while has_more:
        rows = list(AuditEntry.objects.order_by("pk").values_list("pk", "created_at")[:MAX_DELETED_ENTRIES])
        expired = [pk for pk, created_at in rows if created_at < oldest]
        AuditEntry.objects.filter(pk__in=expired).delete()
        has_more = len(expired) == MAX_DELETED_ENTRIES


def _find_address(request: HttpRequest | None) -> str | None:
    address = get_client_address(request) if request else ""
    return address if is_valid_address(address) else None
