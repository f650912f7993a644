"""The scopes of API tokens: in the forms, the admin, and the command."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import ApiToken
from accounts.scopes import ALL_SCOPES
from accounts.services import create_token
from mlsite.tests.access import grant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("posted", "stored"),
    [
        ({}, "read predict"),  # a program that does not know the field
        ({"scopes": ["", "read"]}, "read"),
        ({"scopes": ["", "review", "read"]}, "read review"),
        ({"scopes": [""]}, None),
        ({"scopes": ["", "admin"]}, None),
    ],
)
def test_the_page_creates_tokens_with_scopes(client, user, posted, stored):
    client.force_login(user)
    client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90", **posted})
    assert ApiToken.objects.values_list("scopes", flat=True).first() == stored


def test_the_page_offers_read_and_predict_by_default(client, user):
    client.force_login(user)
    page = client.get(reverse("accounts:tokens")).content.decode()
    boxes = re.findall(r'<input type="checkbox" name="scopes" value="(\w+)"[^>]*?( checked)?\s*>', page)
    assert boxes == [("read", " checked"), ("predict", " checked"), ("review", "")]


def test_the_admin_creates_tokens_with_scopes(client, superuser, user):
    client.force_login(superuser)
    client.post(reverse("admin:accounts_apitoken_add"), {"user": user.pk, "name": "import", "scopes": ["", "read"]})
    assert ApiToken.objects.get().scopes == "read"


def test_staff_create_tokens_only_for_themselves(client, superuser, make_user):
    staff = make_user(is_staff=True)
    grant(staff, "accounts.add_apitoken", "accounts.view_apitoken", "accounts.view_user")
    client.force_login(staff)
    url = reverse("admin:accounts_apitoken_add")
    assert client.post(url, {"user": superuser.pk, "name": "x"}).status_code == 200
    assert not ApiToken.objects.exists()
    assert client.post(url, {"user": staff.pk, "name": "x"}).status_code == 302


def test_the_command_creates_tokens_with_scopes(user):
    call_command("create_token", user.username, "--scope", "review", "--scope", "read")
    call_command("create_token", user.username)
    assert set(ApiToken.objects.values_list("scopes", flat=True)) == {"read review", ALL_SCOPES}
    with pytest.raises(CommandError):
        call_command("create_token", user.username, "--scope", "admin")


@pytest.mark.parametrize("scopes", [[], ["admin"], ["read", ""]])
def test_unknown_and_missing_scopes_are_rejected(user, scopes):
    with pytest.raises(ValidationError):
        create_token(user=user, name="x", scopes=scopes)
