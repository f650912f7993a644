"""The second factor: set-up, sign-in with codes, limits, recovery codes, and removal."""

import re
import time

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import AuditEntry, User
from accounts.services import create_token
from accounts.services.removal import anonymize_user
from accounts.services.second_factor import begin_set_up, create_recovery_codes, remove_second_factor
from accounts.tests.factories import create_device, make_code
from mlsite.tests.access import grant

pytestmark = [pytest.mark.django_db, pytest.mark.once]
LOGIN_URL, CODE_URL = "/accounts/login/", "/accounts/second-factor/code/"
STATUS_URL, SET_UP_URL = "/accounts/second-factor/", "/accounts/second-factor/set-up/"
PASSWORD = "correct horse"


def enter_password(client, username="ada", next_url="/models/"):
    return client.post(f"{LOGIN_URL}?next={next_url}", {"username": username, "password": PASSWORD, "next": next_url})


def enter_code(client, code):
    return client.post(CODE_URL, {"code": code})


def is_signed_in(client):
    return SESSION_KEY in client.session


def test_a_user_sets_up_a_second_factor_and_signs_in_with_it(client, user):
    client.force_login(user)
    assert "Set up" in client.get(STATUS_URL).content.decode()
    assert client.get(SET_UP_URL)["Location"] == STATUS_URL
    assert "The password is wrong" in client.post(STATUS_URL, {"password": "wrong"}).content.decode()
    assert client.post(STATUS_URL, {"password": PASSWORD})["Location"] == SET_UP_URL
    page = client.get(SET_UP_URL).content.decode()
    device = TOTPDevice.objects.get()
    assert "<svg" in page
    assert f'<a href="{escape(device.config_url)}">' in page  # a phone cannot scan its own screen
    assert "style=" not in page.partition("<svg")[2].partition("</svg>")[0]  # the Content Security Policy forbids it
    assert not device.confirmed
    assert enter_password(Client())["Location"] == "/models/"  # it has no effect yet
    assert "The code is wrong" in client.post(SET_UP_URL, {"code": "000000"}).content.decode()
    page = client.post(SET_UP_URL, {"code": make_code(device)}).content.decode()
    codes = re.findall(r"<li><code>(\w{8})</code></li>", page)
    assert len(set(codes)) == 10
    assert "10 recovery codes left" in client.get(STATUS_URL).content.decode()
    new = Client()
    assert enter_password(new)["Location"] == CODE_URL
    assert not is_signed_in(new)
    assert " autofocus" in new.get(CODE_URL).content.decode()
    assert new.get("/models/").status_code == 302
    assert enter_code(new, codes[0])["Location"] == "/models/"
    assert is_signed_in(new)
    actions = AuditEntry.objects.values_list("action", flat=True)
    assert {"second-factor-added", "recovery-codes-created", "recovery-code-used"} <= set(actions)


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_codes_of_neighboring_steps_are_accepted(client, device, steps, is_right):
    enter_password(client)
    enter_code(client, make_code(device, steps))
    assert is_signed_in(client) == is_right


def test_the_accepted_steps_do_not_move(client, device):
    """Otherwise, a clock that is fast could move them further with each sign-in."""
    enter_password(client)
    assert enter_code(client, make_code(device, 1)).status_code == 302
    second = Client()
    enter_password(second)
    assert enter_code(second, make_code(device, 2)).status_code == 200


def test_a_code_works_once(client, device):
    code = make_code(device)
    enter_password(client)
    assert enter_code(client, f" {code[:3]} {code[3:]} ").status_code == 302
    for _ in range(2):
        second = Client()
        enter_password(second)
        assert "already used" in enter_code(second, code).content.decode()
        assert not is_signed_in(second)


def test_a_recovery_code_works_once_and_new_ones_replace_it(client, user, device):
    first, second, *_rest = create_recovery_codes(user=user)
    statuses = []
    for code in (first.upper(), first, second):
        browser = Client()
        enter_password(browser)
        statuses.append(enter_code(browser, code).status_code)
    assert statuses == [302, 200, 302]
    page = browser.post(reverse("accounts:recovery_codes"), {"code": make_code(device)}).content.decode()
    assert len(re.findall(r"<li><code>\w{8}</code></li>", page)) == StaticToken.objects.count() == 10
    assert not StaticToken.objects.filter(token=_rest[0]).exists()


def test_wrong_codes_are_slowed_down_like_passwords(client, device):
    enter_password(client)
    statuses = [enter_code(client, "12345x").status_code for _ in range(9)]
    assert statuses == [200] * 7 + [200, 429]
    response = enter_code(client, make_code(device))
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert enter_password(client).status_code == 429
    assert AuditEntry.objects.filter(action="sign-in-failed", object_name="ada").count() == 8
    assert TOTPDevice.objects.get().throttling_failure_count == 0  # an attacker cannot lock out the user


@pytest.mark.parametrize("code", ["%C2%B2" * 6, "%ED%A0%80", "%00", "", "x" * 21])
def test_texts_that_are_no_codes_are_wrong(client, device, code):
    enter_password(client)
    response = client.post(CODE_URL, f"code={code}", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()


def test_a_right_password_does_not_reset_the_count_of_codes(client, device):
    for _ in range(8):
        browser = Client()
        enter_password(browser)
        response = enter_code(browser, "000000")
    assert response.status_code == 200
    assert enter_password(Client()).status_code == 429


@pytest.mark.parametrize("change", ["expired", "password", "inactive", "none"])
def test_a_sign_in_without_a_valid_password_needs_a_new_one(client, user, device, change, monkeypatch):
    if change != "none":
        enter_password(client)
    if change == "expired":
        now = time.time()
        monkeypatch.setattr("accounts.pending_sign_ins.time.time", lambda: now + 601)
    elif change == "password":
        user.set_password("another horse")
        user.save()
    elif change == "inactive":
        User.objects.update(is_active=False)
    response = enter_code(client, make_code(device))
    assert response["Location"] == LOGIN_URL
    assert "The sign-in has expired." in client.get(LOGIN_URL).content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/"])
def test_the_next_page_is_on_this_site(client, device, target):
    enter_password(client, next_url=target)
    assert enter_code(client, make_code(device))["Location"] == "/"


def test_a_user_removes_the_second_factor_with_a_code(client, user, device):
    client.force_login(user)
    url = reverse("accounts:remove_second_factor")
    client.post(url, {"code": "000000"})
    assert "The code is wrong" in client.get(STATUS_URL).content.decode()
    client.post(url, {"code": make_code(device)})
    assert not TOTPDevice.objects.exists()
    assert AuditEntry.objects.filter(action="second-factor-removed", actor=user).exists()
    assert enter_password(Client())["Location"] == "/models/"


def test_a_second_set_up_does_not_replace_the_first(client, user, device):
    client.force_login(user)
    client.post(STATUS_URL, {"password": PASSWORD})
    assert TOTPDevice.objects.get() == device


def test_tokens_and_sessions_are_not_affected(client, user):
    client.force_login(user)
    secret = create_token(user=user, name="x")[1]
    create_device(user)
    assert client.get("/models/").status_code == 200
    assert Client().get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_an_administrator_removes_the_second_factor_of_users_with_fewer_rights(client, user, device, make_user, superuser):
    create_recovery_codes(user=user)
    manager = make_user("manager", is_staff=True)
    grant(manager, "accounts.view_user", "accounts.change_user")
    client.force_login(manager)
    url = reverse("admin:accounts_user_changelist")
    form = {"action": "remove_second_factors", "_selected_action": [str(user.pk), str(superuser.pk)]}
    assert client.post(url, form).status_code == 403
    assert TOTPDevice.objects.exists()
    client.post(url, form | {"_selected_action": [str(user.pk)]})
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    entry = AuditEntry.objects.get(action="second-factor-removed")
    assert (entry.actor, entry.object_name) == (manager, "ada")
    begin_set_up(user=user)
    call_command("remove_second_factor", "ada")
    assert not TOTPDevice.objects.exists()


def test_keys_and_codes_are_not_in_the_admin(client, superuser):
    client.force_login(superuser)
    assert "otp_totp" not in client.get("/admin/").content.decode()
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404


def test_an_anonymized_user_has_no_second_factor(user, device):
    anonymize_user(user=user)
    assert not TOTPDevice.objects.exists()
    assert not remove_second_factor(user=user)
