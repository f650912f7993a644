import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import authenticate_token
from mlsite.tests.forms import read_form

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_only_once(client, user):
    client.force_login(user)
    page = client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90"})
    secret = re.search(r"mls_[\w-]{43}", page.content.decode())[0]
    assert page["Cache-Control"] == "private, no-store"
    assert secret not in client.get(reverse("accounts:tokens")).content.decode()
    assert client.get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_only_the_owner_can_revoke_a_token(client, user, other):
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


def test_a_token_requires_a_name(client, user):
    client.force_login(user)
    assert "required" in client.post(reverse("accounts:tokens"), {"name": " "}).content.decode()
    assert not ApiToken.objects.exists()


def test_the_state_of_a_token_is_translated(client, user):
    client.force_login(user)
    client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90"})
    page = client.get(reverse("accounts:tokens"), headers={"accept-language": "de"})
    assert re.search(r"badge active.>\s*Aktiv\s*<", page.content.decode())


def submit_again(client, url, data):
    """Open a form and submit it twice. Return the two responses."""
    form = {**read_form(client.get(url).content), **data}
    return [client.post(url, form, follow=True) for _ in range(2)]


def find_secret(response):
    found = re.search(r"mls_[\w-]{43}", response.content.decode())
    return found[0] if found else ""


@pytest.mark.parametrize("is_admin", [False, True], ids=["page", "admin"])
def test_a_double_click_creates_one_token_whose_secret_is_shown(client, superuser, is_admin):
    client.force_login(superuser)
    url = reverse("admin:accounts_apitoken_add" if is_admin else "accounts:tokens")
    values = {"user": str(superuser.pk)} if is_admin else {"lifetime": "90"}
    first, second = map(find_secret, submit_again(client, url, {"name": "import", "scopes": ["predict"], **values}))
    token = ApiToken.objects.get()
    assert second.startswith(token.prefix)
    assert (authenticate_token(secret=second), authenticate_token(secret=first)) == (token, None)


@pytest.mark.parametrize(
    "values", [{"last_used_at": timezone.now()}, {"created_at": timezone.now() - timedelta(minutes=1)}], ids=["used", "old"]
)
def test_a_token_in_use_does_not_get_another_secret_when_the_page_is_reloaded(signed_in, values):
    url = reverse("accounts:tokens")
    form = {**read_form(signed_in.get(url).content), "name": "import"}
    secret = find_secret(signed_in.post(url, form))
    ApiToken.objects.update(**values)
    response = signed_in.post(url, form, follow=True)
    assert "This form was submitted before and has created the token import" in response.content.decode()
    assert find_secret(response) == ""
    assert authenticate_token(secret=secret) == ApiToken.objects.get()


def test_two_tokens_of_the_same_name_can_be_created_on_purpose(signed_in):
    url = reverse("accounts:tokens")
    for _ in range(2):
        signed_in.post(url, {**read_form(signed_in.get(url).content), "name": "import"})
    assert ApiToken.objects.count() == 2
