"""Delete and anonymize users. What they created stays: predictions, inputs, reviews, and batch jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID, uuid4

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import CASCADE, SET_NULL, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import Erasure, User
from accounts.services.audit import Action, clear_audit_entries, describe_user, record_action
from accounts.services.second_factor import remove_second_factor
from accounts.signals import user_removing
from core.locks import RowDeleted, is_deadlock, lock_row

logger = logging.getLogger(__name__)

SESSIONS_PER_FETCH = 1000
MAX_DELETE_ATTEMPTS = 5  # each waits a second for PostgreSQL to find the deadlock
MAX_DECODED_SESSIONS = 10_000  # in one request, which takes about a second


def delete_user(*, user: User) -> None:
    """Delete a user with their tokens, sessions, claims, and admin log entries.

    Their predictions, inputs, reviews, and batch jobs stay without a user. Work that has not ended is canceled.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    user_id, username, email = user.pk, user.username, user.email
    with transaction.atomic():
        _prepare_removal(user)
        _delete_access_records(username, email)
        record_action(action=Action.USER_DELETED, on=describe_user(user))
        clear_audit_entries(user=user, username=username, email=email)
        _delete_account(user)
    _delete_newest_sessions(user_id)
    logger.info("user deleted", extra={"user": str(user_id)})


def anonymize_user(*, user: User) -> User:
    """Remove the name, email, password, tokens, permissions, and sessions of a user. The account stays, inactive.

    Their predictions, inputs, reviews, batch jobs, and admin log entries still belong to the account. Work that has not
    ended is canceled.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    with transaction.atomic():
        clear_account(user=user, username=f"(anonymized {uuid4().hex[:12]})", action=Action.USER_ANONYMIZED)
    _delete_newest_sessions(user.pk)
    logger.info("user anonymized", extra={"user": str(user.pk)})
    return user


def clear_account(*, user: User, username: str, action: Action) -> None:
    """Remove what identifies the user of an account, and deactivate it. Call it in a transaction.

    Args:
        username: a new name that cannot be chosen at sign-up.
        action: what the audit log records.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    old_username, old_email = user.username, user.email
    _prepare_removal(user)
    _delete_access_records(old_username, old_email)
    user.tokens.all().delete()
    user.identities.all().delete()
    user.idempotency_keys.all().delete()
    remove_second_factor(user=user)
    user.groups.clear()
    user.user_permissions.clear()
    user.username = username
    user.first_name = user.last_name = user.email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    names = ("first_name", "last_name", "email", "is_active", "is_staff", "is_superuser", "last_login", "password")
    user.save(update_fields=["username", *names])
    content_type = ContentType.objects.get_for_model(User)
    LogEntry.objects.filter(content_type=content_type, object_id=str(user.pk)).update(object_repr=user.username)
    record_action(action=action, on=describe_user(user))
    # Also what the changes above have recorded.
    clear_audit_entries(user=user, username=old_username, email=old_email)


def check_removal(*, users: Iterable[User]) -> None:
    """Check that an active superuser remains if users are removed, and that none of them is being erased.

    Raises:
        ValidationError: no active superuser would remain, or an erasure has not ended: it needs the account.
    """
    removed = list(users)
    if Erasure.objects.filter(user__in=removed, completed_at=None).exists():
        message = gettext("The data of this user is being erased. Wait until the erasure is complete.")
        raise ValidationError(message, code="erasure-running")
    superusers = User.objects.filter(is_superuser=True, is_active=True)
    if any(user.is_superuser for user in removed) and not superusers.exclude(pk__in=[user.pk for user in removed]).exists():
        message = gettext("At least one active superuser must remain. Make another user a superuser first.")
        raise ValidationError(message, code="last-superuser")


def _prepare_removal(user: User) -> None:
    """Check that the user can be removed, and let other apps end their work. Call it in the transaction of the removal.

    Raises:
        RowDeleted: another request has deleted the user.
    """
    # The locks keep two requests from removing the last two superusers at the same time. They let requests of the user end
    # that store a row: these can hold the rows that are changed next, so that each would wait for the other.
    locked = User.objects.select_for_update(no_key=True).filter(Q(is_superuser=True) | Q(pk=user.pk)).order_by("pk")
    if user.pk not in list(locked.values_list("pk", flat=True)):
        raise RowDeleted
    check_removal(users=[user])
    user_removing.send(sender=User, user=user)


def _delete_account(user: User) -> None:
    """Delete the row of a user whose work has ended, and all relations to it.

    A request can store a row after `_release_rows`, and another transaction change it and then store a row of the same user:
    it waits for this lock, and the deletion for the changed row. If PostgreSQL ends the deletion, try again.
    """
    for attempt in range(1, MAX_DELETE_ATTEMPTS + 1):
        _release_rows(user)
        try:
            with transaction.atomic():
                lock_row(user)  # from now on, no row of the user can be stored
                user.delete()
        except OperationalError as error:
            if attempt == MAX_DELETE_ATTEMPTS or not is_deadlock(error):
                raise
        else:
            return


def _release_rows(user: User) -> None:
    """Delete the rows of a user that are deleted with the account, and remove the user from the others.

    The deletion of the account finds only those that running requests store meanwhile.
    """
    for relation in User._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{relation.field.name: user})
        if relation.on_delete is SET_NULL:
            rows.update(**{relation.field.name: None})
        elif relation.on_delete is CASCADE:
            rows.delete()


def _delete_access_records(username: str, email: str) -> None:
    """Delete the records of sign-ins, which contain the username, or the email address if it was entered instead."""
    entered = Q(username=username)
    if email and not User.objects.filter(username__iexact=email).exists():  # then they are about another user
        entered |= Q(username__iexact=email)
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        model.objects.filter(entered).delete()


def _delete_newest_sessions(user_id: UUID) -> None:
    """Delete the newest sessions of a user, who is signed out of all of them already.

    Older sessions, beyond `MAX_DECODED_SESSIONS` of all users, contain the id of an account that does not exist or has no
    name, and are deleted when they expire.
    """
    newest = Session.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date")
    delete_sessions(user_id=user_id, sessions=newest[:MAX_DECODED_SESSIONS])


def delete_sessions(*, user_id: UUID, sessions: QuerySet[Session]) -> None:
    """Delete the sessions of a user. Each one is decoded, because only its data contains the user."""
    keys = [
        session.pk
        for session in sessions.iterator(chunk_size=SESSIONS_PER_FETCH)
        if session.get_decoded().get(SESSION_KEY) == str(user_id)
    ]
    for start in range(0, len(keys), SESSIONS_PER_FETCH):
        Session.objects.filter(pk__in=keys[start : start + SESSIONS_PER_FETCH]).delete()
