import pytest

from accounts.models import ApiToken
from accounts.services import authenticate_token
from core.tests.commands import run_command

pytestmark = pytest.mark.django_db
DAYS_ERROR = "Error: argument --days: Expected a whole number from 1 to 36,500. Received:"


def test_create_token_prints_only_the_token(user):
    out, err, error = run_command("create_token", "ada")
    assert authenticate_token(secret=out.removesuffix("\n")).user == user
    assert (err, error) == ("", None)


def test_create_token_stores_name_and_expiry(user):
    run_command("create_token", "ada", "--name", "nightly", "--days", 3)
    token = ApiToken.objects.get()
    assert token.name == "nightly"
    assert 2.9 < (token.expires_at - token.created_at).total_seconds() / 86400 < 3.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody",), "There is no active user 'nobody'."),
        (("ada", "--days", "0"), f"{DAYS_ERROR} '0'"),
        (("ada", "--days", "36501"), f"{DAYS_ERROR} '36501'"),
        (("ada", "--name", ""), "Expected a valid --name. This field cannot be blank."),
    ],
)
def test_create_token_rejects_invalid_arguments(user, arguments, message):
    assert run_command("create_token", *arguments) == ("", "", message)
    assert not ApiToken.objects.exists()


def test_create_token_rejects_an_inactive_user(user):
    user.is_active = False
    user.save()
    assert run_command("create_token", "ada")[2] == "There is no active user 'ada'."
