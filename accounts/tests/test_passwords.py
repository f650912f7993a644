import re

import pytest
from django.core import mail
from django.urls import reverse

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "correct horse battery"
NEW_PASSWORD_FIELDS = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}


def test_a_password_change_keeps_the_current_session(client, user):
    client.force_login(user)
    fields = {"old_password": "correct horse", **NEW_PASSWORD_FIELDS}
    assert client.post(reverse("accounts:password_change"), fields).status_code == 302
    assert client.get(reverse("accounts:password_change_done")).status_code == 200


def test_a_forgotten_password_is_reset_by_email(client, make_user):
    make_user("grace", email="g@example.org")
    assert client.post(reverse("accounts:password_reset"), {"email": "g@example.org"}).status_code == 302
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    done = client.post(form.request["PATH_INFO"], NEW_PASSWORD_FIELDS, follow=True)
    assert "Password set" in done.content.decode()
    assert client.post(reverse("accounts:login"), {"username": "grace", "password": NEW_PASSWORD}).status_code == 302
    assert "This link is invalid" in client.get(link, follow=True).content.decode()
