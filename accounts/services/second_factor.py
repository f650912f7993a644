"""Set up, check, and remove the second factor of a user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.second_factor import find_new_device
from accounts.services.attempts import count_attempt, find_wait_seconds, forget_attempts
from accounts.services.audit import Action, describe_user, record_action, record_failed_sign_in
from accounts.services.lockout import SignInSource, find_lock_seconds, read_source, record_failure

DEVICE_NAME = "TOTP"
RECOVERY_CODE_COUNT = 10
CODE_DIGITS = 6
WRONG_CODE, WRONG_CODE_KNOWN = "wrong-code", "wrong-code-known"
MAX_WRONG_CODES = 10  # per hour and user. Known browsers have a separate count.


class CodesLocked(Exception):
    """There were too many wrong passwords or codes, so that the code was not checked.

    Attributes:
        seconds: until the next code is checked.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def begin_set_up(*, user: User) -> TOTPDevice:
    """Create the key of a new TOTP app. It has no effect until `confirm_set_up`."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        device: TOTPDevice = TOTPDevice.objects.create(user=user, name=DEVICE_NAME, confirmed=False)
    return device


def confirm_set_up(*, request: HttpRequest, user: User, code: str) -> list[str]:
    """Require the code of the new TOTP app from the next sign-in on, and return recovery codes. An earlier app is removed.

    Returns:
        The recovery codes, or an empty list if the code is wrong.

    Raises:
        CodesLocked: the code was not checked.
    """
    new = find_new_device(user)
    if new is None or not _check(request, user, code, [new]):
        return []
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).exclude(pk=new.pk).delete()
        TOTPDevice.objects.filter(pk=new.pk).update(confirmed=True)
        record_action(action=Action.SECOND_FACTOR_ADDED, actor=user, on=describe_user(user))
        return create_recovery_codes(user=user)


def check_code(*, request: HttpRequest, user: User, code: str) -> bool:
    """Return whether a code of the TOTP app or a recovery code is right. Each can be used once.

    Codes of the previous and the next 30 seconds are accepted too. Wrong codes are counted like wrong passwords, and also
    per user: whoever knows the password could otherwise guess codes from many networks. Browsers in which the user has
    signed in before have a count of their own, so that others cannot lock them out.

    Raises:
        CodesLocked: the code was not checked.
    """
    devices = [
        *TOTPDevice.objects.filter(user=user, confirmed=True),
        *StaticDevice.objects.filter(user=user, confirmed=True),
    ]
    return _check(request, user, code, devices)


def create_recovery_codes(*, user: User) -> list[str]:
    """Return new recovery codes. Earlier ones stop working."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name=DEVICE_NAME)
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODE_COUNT)]
        StaticToken.objects.bulk_create([StaticToken(device=device, token=code) for code in codes])
        record_action(action=Action.RECOVERY_CODES_CREATED, on=describe_user(user))
    return codes


def remove_second_factor(*, user: User) -> bool:
    """Remove the TOTP app and the recovery codes of a user. Return whether there were any."""
    with transaction.atomic():
        for kind in (WRONG_CODE, WRONG_CODE_KNOWN):
            forget_attempts(kind=kind, key=str(user.pk))
        count = TOTPDevice.objects.filter(user=user).delete()[0] + StaticDevice.objects.filter(user=user).delete()[0]
        if count:
            record_action(action=Action.SECOND_FACTOR_REMOVED, on=describe_user(user))
    return bool(count)


def _check(request: HttpRequest, user: User, code: str, devices: list[TOTPDevice | StaticDevice]) -> bool:
    source = read_source(request, {"username": user.get_username()})
    code = "".join(code.split()).lower()
    kind = TOTPDevice if code.isdigit() and len(code) == CODE_DIGITS else StaticDevice
    with transaction.atomic():
        # One code at a time. Otherwise, many codes could be checked before the first wrong one is counted, and two requests
        # could use the same code.
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        if seconds := _find_wait_seconds(user, source):
            raise CodesLocked(seconds)
        for device in devices:
            current = kind.objects.filter(pk=device.pk).first() if isinstance(device, kind) else None
            if current and current.verify_token(code):
                if kind is StaticDevice:
                    record_action(action=Action.RECOVERY_CODE_USED, actor=user, on=describe_user(user))
                return True
        _record_wrong_code(user, source, path=request.path)
    return False


def _record_wrong_code(user: User, source: SignInSource, *, path: str) -> None:
    record_failure(source=source, path=path)
    limit = _build_limit(user, source)
    count_attempt(**limit)
    record_failed_sign_in(username=source.username, is_locked=_find_wait_seconds(user, source) > 0)
    if find_wait_seconds(**limit):
        record_action(action=Action.SECOND_FACTOR_LOCKED, actor=AnonymousUser(), on=describe_user(user))


def _find_wait_seconds(user: User, source: SignInSource) -> int:
    return max(find_lock_seconds(source), find_wait_seconds(**_build_limit(user, source)))


def _build_limit(user: User, source: SignInSource) -> dict[str, Any]:
    """Return the arguments that count the wrong codes for a user. A new password does not change this count."""
    kind = WRONG_CODE_KNOWN if source.device else WRONG_CODE
    return {"kind": kind, "key": str(user.pk), "limit": MAX_WRONG_CODES}
