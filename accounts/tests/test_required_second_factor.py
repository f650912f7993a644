"""Sites that require a second factor."""

import pytest
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.services import create_token
from accounts.tests.factories import make_code

pytestmark = pytest.mark.django_db
LOGIN_URL, STATUS_URL, SET_UP_URL = "/accounts/login/", "/accounts/second-factor/", "/accounts/second-factor/set-up/"
PASSWORD = "correct horse"


@pytest.fixture
def required(settings):
    """Require a second factor from staff."""
    settings.REQUIRE_SECOND_FACTOR = "staff"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "mlsite.second_factor_middleware.SecondFactorMiddleware"]


def test_staff_set_up_a_required_second_factor_before_anything_else(required, client, make_user):
    staff = make_user("rita", is_staff=True)
    fields = {"username": "rita", "password": PASSWORD, "next": "/admin/"}
    assert client.post(f"{LOGIN_URL}?next=/admin/", fields)["Location"] == "/admin/"
    for url in ("/admin/", "/", "/accounts/tokens/"):
        assert client.get(url)["Location"] == STATUS_URL
    assert client.get("/api/v1/predictions/").json()["code"] == "permission-denied"
    assert "Set it up to continue." in client.get(STATUS_URL).content.decode()
    client.post(STATUS_URL, {"password": PASSWORD})
    client.post(SET_UP_URL, {"code": make_code(TOTPDevice.objects.get(user=staff))})
    assert client.get("/admin/").status_code == 200
    client.post(reverse("accounts:remove_second_factor"), {"code": make_code(TOTPDevice.objects.get(user=staff), 1)})
    assert client.get("/admin/")["Location"] == STATUS_URL
    assert client.post("/accounts/logout/").status_code == 302


def test_others_and_tokens_need_no_required_second_factor(required, client, user, make_user, settings):
    client.force_login(user)
    assert client.get("/").status_code == 200
    secret = create_token(user=make_user(is_staff=True), name="x")[1]
    assert Client().get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    settings.REQUIRE_SECOND_FACTOR = "all"
    assert client.get("/")["Location"] == STATUS_URL
    assert Client().get(LOGIN_URL).status_code == 200
