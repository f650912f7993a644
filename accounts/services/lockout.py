"""Slow down guesses of passwords, without letting an attacker lock out another user.

Wrong passwords are counted per username and network. From the eighth on, the pair waits: one minute, and twice as long after
each further wrong password. Higher limits apply to the username and to the network alone, against guesses from many networks
and for many usernames. A browser in which the user has signed in before is exempt from these two and has a count of its own
(OWASP, "Slow Down Online Guessing Attacks with Device Cookies"). A new password forgets all wrong ones.

django-axes stores the wrong passwords, shows them in the admin, and stops the sign-in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt
from django.db import transaction
from django.db.models import F, Max, QuerySet, Sum, Value
from django.db.models.functions import Least
from django.http import HttpRequest
from django.utils import timezone

from accounts.devices import mark_known, read_device
from accounts.models import User
from accounts.requests import get_client_network
from accounts.services.audit import Action, describe_user, record_action, record_failed_sign_in

FREE_FAILURES = 8  # the last of them locks
FIRST_DELAY = timedelta(minutes=1)
MAX_DELAY = timedelta(hours=1)
MAX_FAILURES = 100  # per hour of a username or a network, at most FREE_FAILURES of each pair
WINDOW = timedelta(hours=1)
FORGET_AFTER = timedelta(days=1)  # since the last wrong password of a pair


@dataclass(frozen=True, slots=True)
class SignInSource:
    """Where a password comes from: the username, the network, and the device, if the user has signed in there before."""

    username: str
    network: str
    device: str

    def find_failures(self) -> QuerySet[AccessAttempt]:
        """Return the row with the wrong passwords of this source. That of a device may have been in several networks."""
        rows = AccessAttempt.objects.filter(username=self.username, user_agent=self.device)
        return rows if self.device else rows.filter(ip_address=self.network)


def read_source(request: HttpRequest, credentials: dict[str, Any] | None) -> SignInSource:
    """Return the source of a request with a username and a password."""
    username = str(get_client_username(request, credentials) or "")
    return SignInSource(username, get_client_network(request), read_device(request, username))


def find_lock_seconds(source: SignInSource) -> int:
    """Return for how long passwords of a source are not checked: 0 if they are. Existing and other usernames are equal."""
    now = timezone.now()
    own = source.find_failures().filter(attempt_time__gt=now - FORGET_AFTER)
    totals = own.aggregate(count=Sum("failures_since_start"), last=Max("attempt_time"))
    ends = [now, _find_delay_end(totals["count"] or 0, totals["last"])]
    if not source.device:
        shared = AccessAttempt.objects.filter(user_agent="", attempt_time__gt=now - WINDOW)
        ends += [_find_window_end(shared.filter(username=source.username))]
        ends += [_find_window_end(shared.filter(ip_address=source.network))]
    return math.ceil((max(end for end in ends if end) - now).total_seconds())


def record_failure(*, source: SignInSource, path: str) -> None:
    """Count a wrong password. Neither the password nor anything else of the form is stored."""
    now = timezone.now()
    key = {"username": source.username, "ip_address": source.network, "user_agent": source.device}
    defaults = {"failures_since_start": 0, "path_info": path[:255], "http_accept": "", "get_data": "", "post_data": ""}
    with transaction.atomic():
        source.find_failures().filter(attempt_time__lte=now - FORGET_AFTER).delete()
        AccessAttempt.objects.get_or_create(**key, defaults=defaults)
        rows = AccessAttempt.objects.filter(**key)
        rows.update(failures_since_start=F("failures_since_start") + 1, attempt_time=now, path_info=path[:255])


def forget_failures(*, username: str) -> None:
    """Forget the wrong passwords for a username, because the user has set a new one."""
    AccessAttempt.objects.filter(username=username).delete()


class LockoutHandler(AxesDatabaseHandler):
    """Apply the limits of this module in django-axes."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
        seconds = find_lock_seconds(read_source(request, credentials))
        request.lock_seconds = seconds  # type: ignore[attr-defined]  # for the response
        return seconds > 0

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        source = read_source(request, credentials)
        return source.find_failures().aggregate(count=Sum("failures_since_start"))["count"] or 0

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
        """Count the wrong password, and lock if it was one too many. During a lock, nothing is counted."""
        if request is None or request.axes_locked_out:
            return
        source = read_source(request, credentials)
        record_failure(source=source, path=request.axes_path_info or "")
        request.axes_locked_out = self.is_locked(request, credentials)
        record_failed_sign_in(username=source.username, is_locked=request.axes_locked_out)

    def user_logged_in(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        """Forget the wrong passwords of this source, remember the device, and record the sign-in."""
        read_source(request, {"username": user.get_username()}).find_failures().delete()
        mark_known(request, user.get_username())
        record_action(action=Action.SIGN_IN, actor=user, on=describe_user(user))
        super().user_logged_in(sender, request, user, **kwargs)

    def user_logged_out(self, sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
        """Record the sign-out, unless nobody was signed in or users have just removed their own account."""
        if user is not None and User.objects.filter(pk=user.pk, username=user.get_username(), is_active=True).exists():
            record_action(action=Action.SIGN_OUT, actor=user, on=describe_user(user))
        super().user_logged_out(sender, request, user, **kwargs)


def _find_delay_end(failures: int, last: datetime | None) -> datetime | None:
    excess = failures - FREE_FAILURES
    if excess < 0 or last is None:
        return None
    return last + min(MAX_DELAY, FIRST_DELAY * 2 ** min(excess, 10))


def _find_window_end(rows: QuerySet[AccessAttempt]) -> datetime | None:
    """Return when a username or a network is below its limit again, at the latest. A single pair cannot reach the limit."""
    capped = Sum(Least(F("failures_since_start"), Value(FREE_FAILURES)))
    totals = rows.aggregate(count=capped, last=Max("attempt_time"))
    return totals["last"] + WINDOW if (totals["count"] or 0) >= MAX_FAILURES else None
