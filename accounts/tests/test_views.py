import re

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.urls import reverse

from accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


def sign_up(client, **changes):
    fields = {"username": "grace", "email": "g@example.org", "password1": GOOD, "password2": GOOD, **changes}
    return client.post(reverse("accounts:signup"), fields)


def test_sign_up_makes_an_account_and_signs_in(client):
    assert sign_up(client).status_code == 302
    assert User.objects.get().email == "g@example.org"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"username": ""}, "required"),
        ({"username": "a b"}, "valid username"),
        ({"password2": "other"}, "didn’t match"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"email": "nope"}, "valid email"),
        ({"username": "nul\0"}, "Null characters"),
    ],
)
def test_sign_up_says_what_is_wrong_and_keeps_the_rest(client, changes, says):
    response = sign_up(client, **changes)
    assert response.status_code == 200
    assert says in response.content.decode().replace("&#x27;", "'")
    assert not User.objects.exists()
    if "email" not in changes:
        assert "g@example.org" in response.content.decode()


def test_sign_up_can_be_closed(client, settings):
    settings.ALLOW_SIGNUP = False
    assert sign_up(client).status_code == 404
    assert reverse("accounts:signup") not in client.get(reverse("accounts:login")).content.decode()


def test_signing_in_changes_the_session_and_signing_out_ends_it(client, user):
    client.get("/")
    client.post(reverse("accounts:login"), {"username": "ada", "password": "correct horse"})
    cookie = client.cookies["sessionid"].value
    assert Session.objects.get(session_key=cookie).get_decoded()["_auth_user_id"] == str(user.pk)
    client.post(reverse("accounts:logout"))
    client.cookies["sessionid"] = cookie
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_signing_in_stays_on_the_site(client, user, target):
    response = client.post(
        reverse("accounts:login") + f"?next={target}", {"username": "ada", "password": "correct horse", "next": target}
    )
    assert response["Location"] == "/"


@pytest.mark.parametrize("change", ["password", "inactive", "deleted"])
def test_a_session_dies_with_what_it_rests_on(client, user, change):
    client.force_login(user)
    assert client.get("/").status_code == 200
    if change == "password":
        user.set_password("another horse")
        user.save()
    elif change == "inactive":
        User.objects.update(is_active=False)
    else:
        user.delete()
    assert client.get("/").status_code == 302


def test_a_garbled_cookie_is_nobody(client):
    client.cookies["sessionid"] = "x" * 32
    assert client.get("/").status_code == 302


def test_changing_the_password_keeps_this_session(client, user):
    client.force_login(user)
    fields = {"old_password": "correct horse", "new_password1": GOOD, "new_password2": GOOD}
    assert client.post(reverse("accounts:password_change"), fields).status_code == 302
    assert client.get(reverse("accounts:password_change_done")).status_code == 200


def test_a_forgotten_password_is_reset_by_mail(client, make_user):
    make_user("grace", email="g@example.org")
    assert client.post(reverse("accounts:password_reset"), {"email": "g@example.org"}).status_code == 302
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    done = client.post(form.request["PATH_INFO"], {"new_password1": GOOD, "new_password2": GOOD}, follow=True)
    assert "Password set" in done.content.decode()
    assert client.post(reverse("accounts:login"), {"username": "grace", "password": GOOD}).status_code == 302
    assert "This link is invalid" in client.get(link, follow=True).content.decode()


def test_guessing_is_locked_out_even_with_the_right_password(client, make_user):
    make_user("ada", is_staff=True)
    door = "/accounts/login/"
    for _ in range(8):
        response = client.post(door, {"username": "ada", "password": "wrong"})
    assert response.status_code == 429
    refused = client.post(door, {"username": "ada", "password": "correct horse"}, headers={"x-forwarded-for": "9.9.9.9"})
    assert refused.status_code == 429
    assert "Too many attempts" in refused.content.decode()


def test_the_admin_has_no_door_of_its_own(client, make_user):
    make_user("ada")
    make_user("rita", is_staff=True)
    stranger = client.get("/admin/accounts/user/", follow=True)
    assert stranger.redirect_chain[-1][0] == "/accounts/login/?next=/admin/accounts/user/"
    assert client.post("/admin/login/", {"username": "rita", "password": "correct horse"}).status_code == 405
    signed_in = client.post(stranger.redirect_chain[-1][0], {"username": "rita", "password": "correct horse"})
    assert (signed_in.status_code, signed_in.url) == (302, "/admin/accounts/user/")
    assert client.get("/admin/").status_code == 200
    client.logout()
    client.post("/accounts/login/", {"username": "ada", "password": "correct horse"})
    refused = client.get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "Not allowed" in refused.content.decode()
    away = client.get("/admin/login/", {"next": "//evil.example/"})
    assert away.status_code == 403
    client.logout()
    login = client.get("/admin/login/", {"next": "//evil.example/"}, follow=True).redirect_chain[-1][0]
    assert client.post(login, {"username": "ada", "password": "correct horse"}).url == "/"


def test_ones_own_success_does_not_forgive_guesses_at_anothers_password(client, make_user):
    make_user("ada")
    make_user("eve")
    statuses = []
    for _ in range(3):
        for _ in range(4):
            statuses.append(client.post("/accounts/login/", {"username": "ada", "password": "wrong"}).status_code)
        client.post("/accounts/login/", {"username": "eve", "password": "correct horse"})
        client.post("/accounts/logout/")
    assert statuses == [200] * 7 + [429] * 5


def test_a_token_is_shown_once(client, user):
    client.force_login(user)
    page = client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90"})
    secret = re.search(r"mls_[\w-]{43}", page.content.decode())[0]
    assert page["Cache-Control"] == "no-store"
    assert secret not in client.get(reverse("accounts:tokens")).content.decode()
    assert client.get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_a_token_is_revoked_by_its_owner_only(client, user, other):
    client.force_login(user)
    client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": ""})
    token = ApiToken.objects.get()
    assert token.expires_at is None
    client.force_login(other)
    assert client.post(reverse("accounts:revoke_token", args=[token.pk])).status_code == 404
    client.force_login(user)
    assert client.post(reverse("accounts:revoke_token", args=[token.pk])).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at


def test_a_token_needs_a_name(client, user):
    client.force_login(user)
    assert "required" in client.post(reverse("accounts:tokens"), {"name": " "}).content.decode()
    assert not ApiToken.objects.exists()
