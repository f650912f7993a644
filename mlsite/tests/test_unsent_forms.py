"""A form that was submitted after the end of the session can be submitted again after the sign-in."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse_lazy

from accounts.models import ApiToken
from mlsite.tests.forms import read_form

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"
UNSENT_FORM = reverse_lazy("accounts:unsent_form")


def submit_without_a_session(client, url, data):
    """Submit a form, and check that the sign-in leads to the page of the form."""
    response = client.post(url, data, headers={"referer": f"http://testserver{url}?a=1"}, follow=True)
    assert response.redirect_chain == [(f"/accounts/login/?next={UNSENT_FORM}", 302)]
    assert "nothing was saved yet. Sign in to continue" in response.content.decode()


@pytest.mark.parametrize("url", ["/accounts/tokens/", "/admin/accounts/apitoken/add/"])
def test_a_form_without_a_session_can_be_submitted_after_the_sign_in(client, superuser, url):
    data = {"name": 'the "new" one', "scopes": ["predict", "read"], "user": str(superuser.pk), "lifetime": "90"}
    submit_without_a_session(client, url, {**data, "password": "quiet", "csrfmiddlewaretoken": "x", "_save": ""})
    sign_in = {"username": superuser.username, "password": PASSWORD}
    page = client.post(f"/accounts/login/?next={UNSENT_FORM}", sign_in, follow=True)
    assert page.redirect_chain == [(UNSENT_FORM, 302)]
    text = page.content.decode()
    assert f'<form method="post" action="{url}">' in text
    assert f'href="{url}?a=1"' in text
    assert re.search(r"<dd>\s*predict<br>read\s*</dd>", text)
    assert "quiet" not in text
    fields = read_form(page.content)
    assert [fields[name] for name in data] == [[data["name"]], data["scopes"], [data["user"]], [data["lifetime"]]]
    assert client.post(url, fields).status_code in (200, 302)
    assert ApiToken.objects.get().name == data["name"]


def test_only_the_user_who_opens_an_unsent_form_first_sees_it(client, user, other):
    submit_without_a_session(client, "/accounts/tokens/", {"name": "import"})
    for account, status in ((user, 200), (other, 302), (user, 200)):
        client.force_login(account)
        assert client.get(UNSENT_FORM).status_code == status


def test_a_changed_or_missing_unsent_form_is_ignored(signed_in):
    assert signed_in.get(UNSENT_FORM)["Location"] == "/"
    signed_in.cookies["unsent_form"] = "x"
    assert signed_in.get(UNSENT_FORM)["Location"] == "/"


def test_a_form_that_is_too_large_for_a_cookie_returns_to_its_page(client, db):
    text = "".join(f"{number:x}" for number in range(5000))
    response = client.post("/accounts/tokens/", {"name": text}, headers={"referer": "http://testserver/accounts/tokens/"})
    assert response["Location"] == "/accounts/login/?next=/accounts/tokens/"
    assert "unsent_form" not in response.cookies


def test_files_of_an_unsent_form_are_chosen_again(client, user):
    file = SimpleUploadedFile("a.csv", b"a")
    submit_without_a_session(client, "/", {"model": "iris", "client_reference": "a", "image": file})
    client.force_login(user)
    assert "Choose them again on the next page." in client.get(UNSENT_FORM).content.decode()
