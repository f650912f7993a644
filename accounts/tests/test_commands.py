from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiToken
from accounts.services import authenticate_token

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue()


def test_prints_the_token_and_nothing_else(user):
    assert authenticate_token(secret=run("ada").strip()).user == user


def test_notes_name_and_expiry(user):
    run("ada", "--name", "nightly", "--days", "3")
    token = ApiToken.objects.get()
    assert token.name == "nightly"
    assert 2.9 < (token.expires_at - token.created_at).total_seconds() / 86400 < 3.1


@pytest.mark.parametrize("arguments", [("nobody",), ("ada", "--days", "0"), ("ada", "--days", "-1")])
def test_refuses_what_makes_no_sense(user, arguments):
    with pytest.raises(CommandError, match=r"no active user|Expected --days"):
        run(*arguments)
    assert not ApiToken.objects.exists()


def test_refuses_an_inactive_user(user):
    user.is_active = False
    user.save()
    with pytest.raises(CommandError, match="no active user 'ada'"):
        run("ada")
