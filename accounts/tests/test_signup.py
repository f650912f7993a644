import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_up(client, **changes):
    fields = {"username": "grace", "email": "g@example.org", "password1": PASSWORD, "password2": PASSWORD, **changes}
    return client.post(reverse("accounts:signup"), fields)


def test_sign_up_creates_an_account_and_signs_in(client, settings):
    response = sign_up(client)
    assert (response.status_code, response["Location"]) == (302, reverse(settings.LOGIN_REDIRECT_URL))
    assert User.objects.get().email == "g@example.org"
    assert client.get("/").status_code == 200


def test_sign_up_redirects_to_the_configured_page(client, settings):
    settings.LOGIN_REDIRECT_URL = "accounts:tokens"
    assert sign_up(client)["Location"] == reverse("accounts:tokens")
    assert client.get(reverse("accounts:signup"))["Location"] == reverse("accounts:tokens")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"username": ""}, "required"),
        ({"username": "a b"}, "valid username"),
        ({"password2": "other"}, "didn’t match"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
        ({"email": "nope"}, "valid email"),
        ({"username": "nul\0"}, "Null characters"),
    ],
)
def test_invalid_sign_up_shows_the_error_and_keeps_the_other_fields(client, changes, message):
    response = sign_up(client, **changes)
    assert response.status_code == 200
    assert message in response.content.decode().replace("&#x27;", "'")
    assert not User.objects.exists()
    if "email" not in changes:
        assert "g@example.org" in response.content.decode()


def test_all_mistakes_are_shown_at_once(client):
    response = sign_up(client, username="a b", email="nope", password1="12345678", password2="other")
    assert {name: len(errors) for name, errors in response.context["form"].errors.items()} == {
        "username": 1,
        "email": 1,
        "password1": 2,  # common, and only digits
        "password2": 1,
    }
    assert "too common" in str(
        sign_up(client, password1="12345678", password2="12345678").context["form"]["password1"].errors
    )
    assert not User.objects.exists()


def check(client, field, **fields):
    response = client.post(reverse("accounts:signup_check"), {"field": field, **fields})
    assert response.status_code == 200
    html = response.content.decode()
    assert html == "" or html.startswith('<ul class="errorlist"')
    return re.sub("<[^>]*>", "", html)


def test_a_field_is_checked_when_the_user_leaves_it(client, settings, django_assert_num_queries):
    User.objects.create_user("grace")
    with django_assert_num_queries(0):
        assert "valid username" in check(client, "username", username="a b")
        assert check(client, "username", username="grace") == ""  # only a complete form shows that the name is taken
        assert check(client, "username", username="") == check(client, "password2", password1=PASSWORD, password2="") == ""
        assert "valid email" in check(client, "email", email="nope")
        assert "similar to the username" in check(client, "password1", username="marie-curie", password1="marie-curie")
        assert "match" in check(client, "password2", password1=PASSWORD, password2="other")
    assert client.post(reverse("accounts:signup_check"), {"field": "is_staff"}).status_code == 404
    assert "already exists" in sign_up(client).content.decode()
    settings.ALLOW_SIGNUP = False
    assert client.post(reverse("accounts:signup_check"), {"field": "email"}).status_code == 404


def test_a_check_that_arrives_after_sign_up_is_ignored():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("grace"))
    assert client.post(reverse("accounts:signup_check"), {"field": "username"}).status_code == 204


def test_sign_up_can_be_closed(client, settings):
    settings.ALLOW_SIGNUP = False
    assert sign_up(client).status_code == 404
    assert reverse("accounts:signup") not in client.get(reverse("accounts:login")).content.decode()


def test_sign_up_has_one_name(client):
    html = client.get(reverse("accounts:signup")).content.decode()
    assert "<title>Sign up · mlsite</title>" in html
    assert re.search(r"<h1>\s*Sign up\s*</h1>.*<button type=\"submit\">\s*Sign up\s*</button>", html, re.DOTALL)
    login = client.get(reverse("accounts:login")).content.decode()
    links = re.findall(rf'href="{reverse("accounts:signup")}">([^<]*)', login)
    assert links == ["Sign up", "Sign up"]  # in the header and below the form


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_sign_ups_with_one_name_one_succeeds():
    barrier = Barrier(6)

    def send(_):
        barrier.wait()
        try:
            return sign_up(Client()).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(send, range(6)))
    assert statuses == [200, 200, 200, 200, 200, 302]
    assert User.objects.count() == 1


def test_a_name_that_is_taken_meanwhile_is_an_error_of_the_form(client, monkeypatch):
    monkeypatch.setattr(User, "full_clean", lambda user, **options: None)
    monkeypatch.setattr(User, "validate_unique", lambda user, **options: None)
    User.objects.create_user("grace")
    response = sign_up(client)
    assert response.status_code == 200
    assert "already exists" in response.content.decode()
    assert User.objects.count() == 1
