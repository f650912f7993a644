"""Erase users: remove all their data, and keep only what statistics need, without a relation to them.

An erasure first clears the account in one transaction, so that nobody can sign in any more. Then it removes rows in small
transactions. A process that ends in between is replaced by the next run of `resume_erasures`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.erasers import ERASERS, Eraser
from accounts.models import ApiToken, Erasure, User
from accounts.services.attempts import forget_all_attempts
from accounts.services.audit import Action
from accounts.services.removal import clear_account, delete_sessions
from accounts.signals import user_erasing
from core.leases import build_free_condition
from core.pagination import MAX_COUNTED_ROWS, format_bounded_count
from core.tasks import enqueue, stopping

logger = logging.getLogger(__name__)

TASK_NAME = "accounts.run_erasure"
LEASE = timedelta(minutes=2)  # a transaction takes much less
CHECK_AGAIN = timedelta(hours=1)  # for which requests may still have been running when the account was cleared
MAX_DIRECT_ROWS = 2000  # erased before `request_erasure` returns: a few seconds


class SummaryLine(NamedTuple):
    """One kind of rows of a user, for the summary before an erasure."""

    title: str
    number: str
    effect: str


def summarize_erasure(user: User) -> list[SummaryLine]:
    """Return what an erasure of a user removes. Rows are counted up to `MAX_COUNTED_ROWS`."""
    shown = [eraser for eraser in ERASERS if eraser.title]
    counts = ((eraser, eraser.select(user).order_by()[: MAX_COUNTED_ROWS + 1].count()) for eraser in shown)
    return [
        SummaryLine(str(eraser.title), format_bounded_count(count), str(eraser.effect)) for eraser, count in counts if count
    ]


def request_erasure(*, user: User, requested_by: User | None = None) -> Erasure:
    """Clear the account of a user, and remove all their data: at once up to `MAX_DIRECT_ROWS` rows, or in the background.

    Args:
        requested_by: the administrator; None if users erase themselves.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    erasure = start_erasure(user=user, requested_by=requested_by)
    if erasure.total_rows > MAX_DIRECT_ROWS:
        enqueue(TASK_NAME, str(erasure.pk))
    else:
        run_erasure(str(erasure.pk))
        erasure.refresh_from_db()
    return erasure


def erase_user(*, user: User) -> Erasure:
    """Erase a user, and return after all their data is removed.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    erasure = start_erasure(user=user)
    run_erasure(str(erasure.pk))
    return erasure


def start_erasure(*, user: User, requested_by: User | None = None) -> Erasure:
    """Clear the account of a user, and store what is to be done. The caller runs it, or else `resume_erasures` does.

    Raises:
        ValidationError: the user is the last active superuser.
    """
    email, tokens = user.email, [str(pk) for pk in user.tokens.values_list("pk", flat=True)]
    with transaction.atomic():
        user_erasing.send(sender=User, user=user)
        clear_account(user=user, username=f"(erased {uuid4().hex[:12]})", action=Action.USER_ERASED)
        _clear_preferences(user)
        _delete_log_entries(ApiToken, tokens)
        forget_all_attempts(key=email.lower())
        own = requested_by is None or requested_by.pk == user.pk
        total = sum(eraser.select(user).order_by().count() for eraser in ERASERS)
        erasure = Erasure.objects.create(user=user, requested_by=None if own else requested_by, total_rows=total)
    logger.info("erasure requested", extra={"erasure": str(erasure.pk), "rows": total})
    return erasure


def run_erasure(pk: str) -> None:
    """Run an erasure to its end, unless another process runs it or this process stops. A background task."""
    erasure = _claim(pk)
    if erasure is None:
        return
    user = erasure.user
    if user is not None:
        _overwrite_deleted_content()
        delete_sessions(user_id=user.pk, sessions=Session.objects.order_by("pk"))
    while True:
        for name, count in iterate_steps(user) if user else ():
            erasure.counts[name] = erasure.counts.get(name, 0) + count
            erasure.leased_until = timezone.now() + LEASE
            erasure.save(update_fields=["counts", "leased_until"])
            if stopping.is_set():
                return
        if _complete(erasure):
            break
    logger.info("erasure completed", extra={"erasure": str(erasure.pk), "rows": erasure.erased_rows})


def resume_erasures() -> None:
    """Continue erasures whose process is lost, as a background job of the server.

    Accounts that stay are erased again for an hour: a request that was running meanwhile may have stored a row.
    """
    now = timezone.now()
    waiting = Q(completed_at=None) & build_free_condition(now=now, lease_seconds=LEASE.total_seconds())
    for pk in Erasure.objects.filter(waiting).order_by("pk").values_list("pk", flat=True):
        run_erasure(str(pk))
    for erasure in Erasure.objects.filter(completed_at__gte=now - CHECK_AGAIN, user__isnull=False).select_related("user"):
        if erasure.user:
            for _step in iterate_steps(erasure.user):
                pass


def iterate_steps(user: User) -> Iterator[tuple[str, int]]:
    """Erase the rows of a user in short transactions. Yield the name of the eraser and the number of rows after each."""
    for eraser in ERASERS:
        while count := _run_step(eraser, user):
            yield eraser.name, count
        if eraser.finish:
            eraser.finish()


def _run_step(eraser: Eraser, user: User) -> int:
    with transaction.atomic():
        return eraser.erase(user)


def _claim(pk: str) -> Erasure | None:
    now = timezone.now()
    rows = Erasure.objects.filter(
        build_free_condition(now=now, lease_seconds=LEASE.total_seconds()), pk=pk, completed_at=None
    )
    is_claimed = rows.update(leased_until=now + LEASE)
    return Erasure.objects.select_related("user").get(pk=pk) if is_claimed else None


def _complete(erasure: Erasure) -> bool:
    """Complete an erasure, and delete the account unless rows need it. Return False if rows are left to erase.

    A request that was running when the account was cleared can store a row after its eraser has run. If the
    account were deleted then, that row would only lose its user. The lock lets such requests end first, or fail.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=erasure.user_id).first() if erasure.user_id else None
        if user is not None:
            if any(eraser.select(user).exists() for eraser in ERASERS):
                return False
            if not any(eraser.needs_account(user) for eraser in ERASERS):
                user.delete()
        erasure.completed_at = timezone.now()
        erasure.save(update_fields=["completed_at"])
    return True


def _overwrite_deleted_content() -> None:
    """Let SQLite overwrite what this connection deletes. Otherwise, it stays in the file until the space is used again."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def _clear_preferences(user: User) -> None:
    user.language = user.time_zone = user.theme = ""
    user.page_size = user.daily_quota = None
    user.date_joined = timezone.now()
    user.save(update_fields=["language", "time_zone", "theme", "page_size", "daily_quota", "date_joined"])


def _delete_log_entries(model: type[ApiToken], ids: list[str]) -> None:
    """Delete the entries of the admin log about rows, which contain their names."""
    LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model), object_id__in=ids).delete()
