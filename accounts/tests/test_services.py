from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import (
    add_reviewer,
    authenticate_token,
    create_token,
    create_user,
    get_client_address,
    get_or_create_system_user,
    revoke_token,
)

pytestmark = pytest.mark.django_db


def test_a_token_is_found_by_its_secret_and_kept_only_as_a_digest(user):
    token, secret = create_token(user=user, name="import")
    assert authenticate_token(secret=secret) == token
    stored = ApiToken.objects.values().get()
    assert secret not in map(str, stored.values())
    assert secret.startswith(token.prefix)


def test_two_tokens_are_never_alike(user):
    assert create_token(user=user, name="a")[1] != create_token(user=user, name="a")[1]


@pytest.mark.parametrize("secret", ["", "mls_", "x" * 1000, "mls_\0", "é"])
def test_a_wrong_secret_finds_nothing(user, secret):
    create_token(user=user, name="import")
    assert authenticate_token(secret=secret) is None


def test_a_revoked_token_finds_nothing_from_then_on(user):
    token, secret = create_token(user=user, name="import")
    revoke_token(token=token)
    assert authenticate_token(secret=secret) is None
    token.refresh_from_db()
    first = token.revoked_at
    revoke_token(token=token)
    token.refresh_from_db()
    assert (token.revoked_at, token.state) == (first, "revoked")


def test_an_expired_token_finds_nothing(user):
    now = timezone.now()
    _, valid = create_token(user=user, name="valid", expires_at=now + timedelta(minutes=5))
    expired_token, expired = create_token(user=user, name="expired", expires_at=now - timedelta(seconds=1))
    assert authenticate_token(secret=valid)
    assert authenticate_token(secret=expired) is None
    assert expired_token.state == "expired"


def test_a_token_of_an_inactive_user_finds_nothing(user):
    _, secret = create_token(user=user, name="import")
    user.is_active = False
    user.save()
    assert authenticate_token(secret=secret) is None


def test_last_use_is_written_at_most_once_a_minute(user, django_assert_num_queries):
    token, secret = create_token(user=user, name="import")
    with django_assert_num_queries(2):
        authenticate_token(secret=secret)
    with django_assert_num_queries(1):
        authenticate_token(secret=secret)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    with django_assert_num_queries(2):
        authenticate_token(secret=secret)


def test_create_user_refuses_a_taken_name(user):
    with pytest.raises(ValidationError, match="already exists"):
        create_user(username=user.username, password="correct horse")


def test_the_group_reviewers_exists_and_may_only_look(reviewer, user):
    assert reviewer.is_staff
    assert reviewer.has_perm("predictions.view_prediction")
    assert {permission.codename.partition("_")[0] for permission in reviewer.groups.get().permissions.all()} == {"view"}
    add_reviewer(user=user)
    assert user.groups.filter(name="Reviewers").exists()


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_the_client_address_believes_only_trusted_proxies(settings, proxies, header, expected):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": header})
    assert get_client_address(request) == expected


def test_a_guest_has_a_name_that_nobody_signs_up_with_and_cannot_sign_in(db):
    guest = get_or_create_system_user(username="(tour)")
    assert get_or_create_system_user(username="(tour)") == guest
    assert (guest.is_active, guest.has_usable_password()) == (False, False)
    with pytest.raises(ValueError, match="could sign up"):
        get_or_create_system_user(username="tour")
