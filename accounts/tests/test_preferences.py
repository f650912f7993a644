"""The language, the time zone, and the theme of an account apply to its pages, and never to the API."""

import re
from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.preferences import activate_preferences, find_time_zone, get_page_size, get_time_zone

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def build_request(user=None, cookie=""):
    request = RequestFactory().get("/")
    request.user = user
    request.COOKIES["time_zone"] = cookie
    return request


@pytest.mark.parametrize(
    ("chosen", "cookie", "expected"),
    [
        ("Europe/Berlin", "America/New_York", "Europe/Berlin"),
        ("", "America/New_York", "America/New_York"),
        ("", "", "UTC"),
        ("", "Mars/Olympus", "UTC"),
        ("", "../../etc/passwd", "UTC"),
        ("Mars/Olympus", "Asia/Tokyo", "Asia/Tokyo"),
    ],
)
def test_the_time_zone_of_the_account_wins_over_that_of_the_browser(chosen, cookie, expected):
    assert str(get_time_zone(build_request(User(time_zone=chosen), cookie))) == expected
    assert str(get_time_zone(build_request(None, cookie))) == (expected if not chosen else cookie)


def test_times_are_rendered_in_the_time_zone_and_the_language_of_the_account():
    activate_preferences(build_request(User(time_zone="Europe/Berlin", language="de")))
    html = Template("{% load formatting %}{% time moment %}").render(Context({"moment": MOMENT}))
    assert 'datetime="2026-07-02T00:30:00+02:00"' in html
    assert ">2. Juli 2026, 00:30 UTC+2<" in html
    assert get_page_size(build_request(User(page_size=100)), default=25) == 100
    assert get_page_size(build_request(), default=25) == 25
    assert find_time_zone("posixrules") is None


def test_pages_have_the_preferences_of_the_account_and_the_api_has_none(client):
    user = User.objects.create_user("grace", language="de", time_zone="Asia/Tokyo", theme="dark", is_staff=True)
    client.force_login(user)
    assert "/i18n.js?language=de" in client.get("/admin/").content.decode()
    english = {"accept-language": "es"}
    page = client.get(reverse("accounts:profile"), headers=english)
    html = page.content.decode()
    tag = " ".join(re.search("<html[^>]*>", html)[0].split())
    assert tag == '<html lang="de" data-theme="dark" data-time-zone="Asia/Tokyo">'
    assert client.cookies["django_language"].value == "de"
    del client.cookies["sessionid"]
    assert '<html lang="de"' in " ".join(client.get(reverse("accounts:login"), headers=english).content.decode().split())
    client.force_login(user)
    assert client.post(reverse("accounts:profile"), {"language": ""}).cookies["django_language"].value == ""
    client.force_login(User.objects.get(pk=user.pk))
    response = client.get("/api/v1/predictions/", headers=english)
    assert response.status_code == 200
    assert str(timezone.get_current_timezone()) == "UTC"
    assert translation.get_language() == "en"
