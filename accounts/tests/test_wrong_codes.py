"""Wrong codes are counted per user, against guesses from many networks by someone who knows the password."""

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.core import signing
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.devices import SALT, hash_username
from accounts.models import AttemptCount, AuditEntry
from accounts.services.lockout import SignInSource, forget_failures, record_failure
from accounts.services.second_factor import (
    MAX_WRONG_CODES,
    CodesLocked,
    check_code,
    remove_second_factor,
)
from accounts.tests.factories import create_device, make_code

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PASSWORD = "correct horse"


def enter_code(code, address, client=None):
    """Enter the password and a code. Return the response to the code, and the client."""
    client = client or Client()
    client.post("/accounts/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR=address)
    return client.post("/accounts/second-factor/code/", {"code": code}, REMOTE_ADDR=address), client


def guess(user, count, device=""):
    """Check wrong codes, each from another network. Return which of them were checked."""
    return [check_from(user, "000000", f"10.0.{number}.1", device) for number in range(count)]


def check_from(user, code, address, device=""):
    """Return whether a code is right; None if it is not checked."""
    request = RequestFactory().post("/", REMOTE_ADDR=address)
    request.COOKIES["device"] = device
    try:
        return check_code(request=request, user=user, code=code)
    except CodesLocked:
        return None


def list_locks():
    return AuditEntry.objects.filter(action="second-factor-locked")


def test_a_user_has_ten_wrong_codes_per_hour_from_all_networks(user, device):
    assert guess(user, MAX_WRONG_CODES - 1) == [False] * (MAX_WRONG_CODES - 1)
    assert not list_locks().exists()
    assert enter_code("000000", "10.9.0.1")[0].status_code == 200
    entry = list_locks().get()
    assert (entry.object_id, entry.actor, entry.address) == (str(user.pk), None, "10.9.0.1")
    failed = AuditEntry.objects.filter(action="sign-in-failed").order_by("pk")
    assert [entry.details["locked"] for entry in failed] == [False] * (MAX_WRONG_CODES - 1) + [True]
    response, client = enter_code(make_code(device), "10.9.9.9")
    assert response.status_code == 429
    assert 3500 < int(response["Retry-After"]) <= 3600
    AttemptCount.objects.update(started_at=timezone.now() - timedelta(hours=1, seconds=1))
    response, client = enter_code(make_code(device), "10.9.9.9")
    assert SESSION_KEY in client.session


def test_a_new_password_does_not_reset_the_count(user, device):
    guess(user, MAX_WRONG_CODES)
    forget_failures(username="ada")
    assert check_from(user, make_code(device), "10.9.9.9") is None


def test_wrong_passwords_do_not_lock_the_codes(user, device):
    for number in range(MAX_WRONG_CODES + 1):
        record_failure(source=SignInSource("ada", f"10.0.{number}.1", ""), path="/accounts/login/")
    assert check_from(user, make_code(device), "10.9.9.9")


def test_browsers_of_the_user_have_their_own_count(user, device):
    _, client = enter_code(make_code(device), "10.1.0.1")
    cookies = [client.cookies["device"].value, signing.dumps(["other", [hash_username("ada")]], salt=SALT)]
    guess(user, MAX_WRONG_CODES)
    checked = [result for cookie in cookies for result in guess(user, MAX_WRONG_CODES // 2, cookie)]
    assert checked == [False] * MAX_WRONG_CODES
    assert [guess(user, 1, cookie) for cookie in cookies] == [[None], [None]]
    assert list_locks().count() == 2


def test_the_removal_of_the_second_factor_ends_the_wait(user, device):
    guess(user, MAX_WRONG_CODES)
    remove_second_factor(user=user)
    assert check_from(user, make_code(create_device(user)), "10.9.9.9")
