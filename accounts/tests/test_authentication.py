import pytest

from accounts.services import create_token, revoke_token

pytestmark = pytest.mark.django_db
PREDICTIONS_URL = "/api/v1/predictions/"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer mls_x y",
        "Bearer \0",
        "Bearer é",
        "Bearer " + "x" * 100_000,
        "Token mls_x",
        "Basic YTpi",
        "",
    ],
)
def test_an_invalid_token_gets_401_with_a_challenge(client, header):
    response = client.get(PREDICTIONS_URL, headers={"authorization": header})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert response["Content-Type"] == "application/problem+json"


def test_a_token_in_the_query_string_is_ignored(client, user):
    _, secret = create_token(user=user, name="import")
    for name in ("token", "access_token", "api_key"):
        assert client.get(PREDICTIONS_URL, {name: secret}).status_code == 401


def test_the_scheme_is_case_insensitive(client, user):
    _, secret = create_token(user=user, name="import")
    assert client.get(PREDICTIONS_URL, headers={"authorization": f"bearer {secret}"}).status_code == 200


def test_a_revoked_token_is_rejected_immediately(client, user):
    token, secret = create_token(user=user, name="import")
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get(PREDICTIONS_URL, headers=headers).status_code == 200
    revoke_token(token=token)
    assert client.get(PREDICTIONS_URL, headers=headers).status_code == 401


def test_an_invalid_token_is_rejected_even_with_a_valid_session(client, user):
    client.force_login(user)
    assert client.get(PREDICTIONS_URL, headers={"authorization": "Bearer x"}).status_code == 401
