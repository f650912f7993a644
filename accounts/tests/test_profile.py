"""The account page: preferences and the email address. The footer: the language of visitors."""

import pytest
from django.urls import reverse

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PASSWORD = "correct horse battery"
CHOICES = {"language": "de", "time_zone": "Europe/Berlin", "theme": "dark", "page_size": "100"}


@pytest.fixture
def grace(client):
    user = User.objects.create_user("grace", email="old@example.org", password=PASSWORD)
    client.force_login(user)
    return user


def test_preferences_are_stored_and_can_be_cleared(client, grace):
    page = reverse("accounts:profile")
    assert client.post(page, CHOICES)["Location"] == page
    grace.refresh_from_db()
    assert (grace.language, grace.time_zone, grace.theme, grace.page_size) == ("de", "Europe/Berlin", "dark", 100)
    client.post(page, dict.fromkeys(CHOICES, ""))
    grace.refresh_from_db()
    assert (grace.language, grace.time_zone, grace.theme, grace.page_size) == ("", "", "", None)


@pytest.mark.parametrize("change", [{"language": "xx"}, {"time_zone": "Mars/X"}, {"theme": "pink"}, {"page_size": "7"}])
def test_other_preferences_are_rejected(client, grace, change):
    response = client.post(reverse("accounts:profile"), CHOICES | change)
    assert list(response.context["form"].errors) == list(change)
    grace.refresh_from_db()
    assert grace.time_zone == ""


def test_the_password_confirms_a_new_email_address(client, grace):
    page = reverse("accounts:email")
    response = client.post(page, {"email": "new@example.org", "password": "wrong"})
    assert "password" in response.context["form"].errors
    grace.refresh_from_db()
    assert grace.email == "old@example.org"
    client.post(page, {"email": "new@example.org", "password": PASSWORD})
    grace.refresh_from_db()
    assert grace.email == "new@example.org"


def test_a_visitor_chooses_a_language_in_the_footer(client):
    login = reverse("accounts:login")
    response = client.post(reverse("accounts:language"), {"language": "de", "next": login})
    assert response["Location"] == login
    html = client.get(login).content.decode()
    assert 'lang="de"' in html.partition("<head>")[0]
    assert [name in html for name in ("English", "Deutsch", "Español", "Français")] == [True, True, True, False]
    response = client.post(reverse("accounts:language"), {"language": "xx", "next": "https://example.org/"})
    assert response["Location"] == "/"
    assert not response.cookies
