import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.services.resets import MAX_EMAILS_PER_HOUR, send_password_reset
from accounts.views.passwords import MAX_RESETS_PER_HOUR
from core.tasks import get_executor

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "correct horse battery"
NEW_PASSWORD_FIELDS = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
RESET_URL = "/accounts/reset/"


def read_link():
    return re.search(r"http://testserver(/\S+)", mail.outbox[-1].body)[1]


def test_a_password_change_keeps_the_current_session(client, user):
    client.force_login(user)
    fields = {"old_password": "correct horse", **NEW_PASSWORD_FIELDS}
    assert client.post(reverse("accounts:password_change"), fields).status_code == 302
    assert client.get(reverse("accounts:password_change_done")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_forgotten_password_is_reset_by_email(client, make_user):
    make_user("grace", email="g@example.org")
    for _ in range(9):
        locked = client.post(reverse("accounts:login"), {"username": "grace", "password": "wrong"})
    assert locked.status_code == 429
    host = {"host": "localhost", "x-forwarded-host": "evil.example"}
    assert client.post(RESET_URL, {"email": "G@example.org"}, headers=host).status_code == 302
    assert get_executor().wait_until_idle(5)
    link = read_link()
    form = client.get(link, follow=True)
    done = client.post(form.request["PATH_INFO"], NEW_PASSWORD_FIELDS, follow=True)
    assert "Password set" in done.content.decode()
    assert client.post(reverse("accounts:login"), {"username": "grace", "password": NEW_PASSWORD}).status_code == 302
    assert "This link is invalid" in Client().get(link, follow=True).content.decode()


def test_the_response_does_not_depend_on_the_address(client, make_user, django_assert_num_queries):
    make_user("grace", email="g@example.org")
    queries = set()
    for email in ("g@example.org", "unknown@example.org"):
        client.post(RESET_URL, {"email": email})
        with django_assert_num_queries(5):  # none of them is for the user
            response = client.post(RESET_URL, {"email": email})
        queries.add((response.status_code, response.content, response["Location"]))
    assert len(queries) == 1
    assert not mail.outbox


def test_the_email_has_the_language_of_the_account(make_user):
    make_user("grace", email="g@example.org", language="de")
    send_password_reset(email="g@example.org")
    assert mail.outbox[0].subject == "Neues Passwort für http://testserver festlegen"
    assert "innerhalb einer Stunde" in mail.outbox[0].body


def test_emails_per_address_and_requests_per_network_are_limited(client, make_user):
    make_user("grace", email="g@example.org")
    for _ in range(MAX_EMAILS_PER_HOUR + 2):
        send_password_reset(email="G@example.org")
    assert len(mail.outbox) == MAX_EMAILS_PER_HOUR
    send_password_reset(email="unknown@example.org")
    statuses = [client.post(RESET_URL, {"email": f"{n}@example.org"}).status_code for n in range(MAX_RESETS_PER_HOUR + 1)]
    assert statuses == [302] * MAX_RESETS_PER_HOUR + [429]
    assert client.post(RESET_URL, {"email": "x@example.org"}, REMOTE_ADDR="10.0.0.2").status_code == 302


def test_without_a_url_of_the_site_no_link_is_sent(client, make_user, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "", ["a.example", "b.example"]
    make_user("grace", email="g@example.org")
    host = {"host": "a.example"}
    page = client.get(RESET_URL, headers=host).content.decode()
    assert "set SITE_URL" in page
    assert "Send link" not in page
    assert client.post(RESET_URL, {"email": "g@example.org"}, headers=host).status_code == 503
    send_password_reset(email="g@example.org")
    assert not mail.outbox


def test_links_use_the_only_allowed_host(make_user, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS, settings.HTTPS = "", ["mlsite.example.org"], True
    make_user("grace", email="g@example.org")
    send_password_reset(email="g@example.org")
    assert "https://mlsite.example.org/accounts/reset/" in mail.outbox[0].body
