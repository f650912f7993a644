import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mlsite.tests.forms import read_form

pytestmark = pytest.mark.django_db
LOGIN_URL = "/accounts/login/"
PASSWORD = "correct horse"


def sign_in(client, username, password=PASSWORD, url=LOGIN_URL, **options):
    return client.post(url, {"username": username, "password": password}, **options)


def test_sign_in_creates_a_session_and_sign_out_ends_it(client, user):
    client.get("/")
    sign_in(client, "ada")
    cookie = client.cookies["sessionid"].value
    assert Session.objects.get(session_key=cookie).get_decoded()["_auth_user_id"] == str(user.pk)
    client.post(reverse("accounts:logout"))
    client.cookies["sessionid"] = cookie
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("name", ["login", "signup"])
def test_a_double_click_without_scripts_opens_the_next_page(user, name):
    """The first click has replaced the token with which the second one is sent."""
    client = Client(enforce_csrf_checks=True)
    url = f"{reverse(f'accounts:{name}')}?next=/predictions/"
    token = read_form(client.get(url).content)["csrfmiddlewaretoken"][0]
    passwords = {"password": PASSWORD} if name == "login" else {"password1": PASSWORD, "password2": PASSWORD}
    form = {"username": "ada" if name == "login" else "grace", **passwords, "csrfmiddlewaretoken": token}
    client.post(url, form)
    response = client.post(url, form, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == ("/predictions/" if name == "login" else "/")
    client.logout()
    assert client.post(url, form).status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_sign_in_redirects_only_within_the_site(client, user, target):
    fields = {"username": "ada", "password": PASSWORD, "next": target}
    assert client.post(f"{LOGIN_URL}?next={target}", fields)["Location"] == "/"


@pytest.mark.parametrize("change", ["password", "inactive", "deleted"])
def test_a_session_ends_when_its_account_changes(client, user, change):
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


def test_a_page_takes_three_queries_for_its_user(client, user, django_assert_num_queries):
    client.force_login(user)
    with django_assert_num_queries(3):  # the session, the user, the permissions
        assert client.get(reverse("accounts:email")).status_code == 200  # it shows nothing else from the database


def test_an_invalid_session_cookie_is_anonymous(client):
    client.cookies["sessionid"] = "x" * 32
    assert client.get("/").status_code == 302


def test_sign_in_is_locked_after_too_many_wrong_passwords(client, make_user):
    make_user("ada", is_staff=True)
    for _ in range(8):
        response = sign_in(client, "ada", "wrong")
    assert response.status_code == 429
    response = sign_in(client, "ada", headers={"x-forwarded-for": "9.9.9.9"})
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()


def test_a_successful_sign_in_does_not_reset_the_lock_on_another_account(client, make_user):
    make_user("ada")
    make_user("eve")
    statuses = []
    for _ in range(3):
        for _ in range(4):
            statuses.append(sign_in(client, "ada", "wrong").status_code)
        sign_in(client, "eve")
        client.post("/accounts/logout/")
    assert statuses == [200] * 7 + [429] * 5


def test_the_admin_redirects_to_the_login_page_of_the_site(client, make_user):
    make_user("rita", is_staff=True)
    page = client.get("/admin/accounts/user/", follow=True)
    assert page.redirect_chain[-1][0] == f"{LOGIN_URL}?next=/admin/accounts/user/"
    assert sign_in(client, "rita", url="/admin/login/").status_code == 405
    response = sign_in(client, "rita", url=page.redirect_chain[-1][0])
    assert (response.status_code, response.url) == (302, "/admin/accounts/user/")
    assert client.get("/admin/").status_code == 200


def test_the_admin_rejects_users_without_staff_rights(client, user):
    sign_in(client, "ada")
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "Permission denied" in response.content.decode()
    assert client.get("/admin/login/", {"next": "//evil.example/"}).status_code == 403


def test_the_admin_login_redirects_only_within_the_site(client, user):
    login_url = client.get("/admin/login/", {"next": "//evil.example/"}, follow=True).redirect_chain[-1][0]
    assert sign_in(client, "ada", url=login_url).url == "/"


@pytest.mark.parametrize("name", ["x" * 300, "🙂" * 5_000, "a" * 256 + "b"])
def test_long_names_are_wrong_names(client, name):
    response = sign_in(client, name)
    assert response.status_code == 200
    assert AccessAttempt.objects.get().username == name[:150]
