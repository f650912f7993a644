"""Guesses of passwords are slowed down, and attackers cannot lock out another user."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.services.lockout import (
    FREE_FAILURES,
    MAX_FAILURES,
    SignInSource,
    find_lock_seconds,
    forget_failures,
    record_failure,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LOGIN_URL = "/accounts/login/"
PASSWORD = "correct horse"


def sign_in(client, username="ada", password=PASSWORD, address="10.0.0.1", **options):
    return client.post(LOGIN_URL, {"username": username, "password": password}, REMOTE_ADDR=address, **options)


def record(count, username, address):
    """Count wrong passwords without the requests."""
    for _ in range(count):
        source = SignInSource(username, address, "")
        if not find_lock_seconds(source):
            record_failure(source=source, path=LOGIN_URL)


def fail(count, username="ada", address="10.0.0.1"):
    return [sign_in(Client(), username, "wrong", address) for _ in range(count)]


def move_back(**age):
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(**age))


def get_text(response):
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("username", ["ada", "unknown"])
def test_wrong_passwords_are_slowed_down_and_texts_do_not_depend_on_the_user(user, username):
    responses = fail(20, username)
    assert [response.status_code for response in responses] == [200] * (FREE_FAILURES - 1) + [429] * (21 - FREE_FAILURES)
    assert "Try again in 1 minute." in get_text(responses[-1])
    assert 0 < int(responses[-1]["Retry-After"]) <= 60
    assert AccessAttempt.objects.get().failures_since_start == FREE_FAILURES


def test_a_locked_source_does_not_check_the_right_password(user):
    fail(FREE_FAILURES)
    assert sign_in(Client()).status_code == 429
    move_back(seconds=61)
    assert sign_in(Client()).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_the_delay_doubles_up_to_an_hour(user):
    fail(FREE_FAILURES)
    seconds = []
    for _ in range(8):
        move_back(hours=2)
        seconds.append(int(fail(1)[0]["Retry-After"]))
    assert seconds == [120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_forged_headers_do_not_avoid_the_lock(user):
    for number in range(FREE_FAILURES):
        response = sign_in(Client(), password="wrong", headers={"x-forwarded-for": f"9.9.9.{number}"})
    assert response.status_code == 429
    assert sign_in(Client(), headers={"x-forwarded-for": "8.8.8.8", "user-agent": "other"}).status_code == 429


def test_an_attacker_does_not_lock_out_an_administrator(superuser):
    for number in range(12):
        record(30, "root", f"10.0.1.{number}")
    assert sign_in(Client(), "root", address="10.0.2.1").status_code == 302


def test_a_lock_of_the_name_exempts_known_browsers_and_ends_with_a_new_password(superuser, user):
    known = Client()
    assert sign_in(known, "root").status_code == 302
    known.post("/accounts/logout/")
    assert sign_in(known, "ada").status_code == 302  # the browser remembers both users
    known.post("/accounts/logout/")
    for number in range(MAX_FAILURES):
        record(1, "root", f"10.0.{number}.1")
    assert sign_in(Client(), "root", address="10.9.9.9").status_code == 429
    assert sign_in(known, "root", address="10.9.9.9").status_code == 302
    forget_failures(username="root")
    assert sign_in(Client(), "root", address="10.9.9.9").status_code == 302


def test_a_known_browser_has_its_own_limit(user):
    known = Client()
    sign_in(known)
    known.post("/accounts/logout/")
    statuses = [sign_in(known, password="wrong", address=f"10.0.{number}.1").status_code for number in range(9)]
    assert statuses == [200] * 7 + [429] * 2
    assert sign_in(Client()).status_code == 302
    forged = Client()
    forged.cookies["device"] = known.cookies["device"].value + "x"
    assert sign_in(forged, password="wrong").status_code == 200


def test_many_usernames_from_one_network_are_slowed_down(user):
    for number in range(MAX_FAILURES):
        record(1, f"user{number}", "10.0.0.1")
    assert sign_in(Client()).status_code == 429
    assert sign_in(Client(), address="10.0.0.2").status_code == 302


def test_addresses_of_an_ipv6_network_count_together(user):
    for number in range(FREE_FAILURES):
        response = sign_in(Client(), password="wrong", address=f"2001:db8:1:2::{number:x}")
    assert response.status_code == 429
    assert sign_in(Client(), address="2001:db8:1:3::1").status_code == 302
    assert sign_in(Client(), password="wrong", address="").status_code == 200


def test_wrong_old_passwords_are_slowed_down_and_not_stored(client, user):
    client.force_login(user)
    fields = {"old_password": "my secret guess", "new_password1": "correct horse 2", "new_password2": "correct horse 2"}
    url = reverse("accounts:password_change")
    statuses = [client.post(url, fields, REMOTE_ADDR="10.0.0.1").status_code for _ in range(9)]
    assert statuses == [200] * 7 + [429] * 2
    response = client.post(url, fields | {"old_password": PASSWORD}, REMOTE_ADDR="10.0.0.1")
    assert response.status_code == 429
    assert "reset it" not in get_text(response)
    assert not AccessAttempt.objects.exclude(post_data="", get_data="").exists()
    move_back(hours=2)
    assert client.post(url, fields | {"old_password": PASSWORD}, REMOTE_ADDR="10.0.0.1").status_code == 302


def test_sign_in_gives_the_session_a_new_id(client, user):
    client.get(LOGIN_URL)
    session = client.session
    session["x"] = 1
    session.save()
    client.cookies["sessionid"] = session.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != session.session_key
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
