from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import (
    add_reviewer,
    authenticate_token,
    create_token,
    create_user,
    get_or_create_system_user,
    revoke_token,
)

pytestmark = pytest.mark.django_db


def test_a_token_is_stored_only_as_a_digest_of_its_secret(user):
    token, secret = create_token(user=user, name="import")
    assert authenticate_token(secret=secret) == token
    stored = ApiToken.objects.values().get()
    assert secret not in map(str, stored.values())
    assert secret.startswith(token.prefix)


def test_each_token_has_a_different_secret(user):
    assert create_token(user=user, name="a")[1] != create_token(user=user, name="a")[1]


@pytest.mark.parametrize("secret", ["", "mls_", "x" * 1000, "mls_\0", "é"])
def test_an_unknown_secret_is_rejected(user, secret):
    create_token(user=user, name="import")
    assert authenticate_token(secret=secret) is None


def test_a_revoked_token_is_rejected(user):
    token, secret = create_token(user=user, name="import")
    revoke_token(token=token)
    assert authenticate_token(secret=secret) is None
    token.refresh_from_db()
    revoked_at = token.revoked_at
    revoke_token(token=token)
    token.refresh_from_db()
    assert (token.revoked_at, token.state) == (revoked_at, "revoked")


def test_an_expired_token_is_rejected(user):
    now = timezone.now()
    _, valid = create_token(user=user, name="valid", expires_at=now + timedelta(minutes=5))
    expired_token, expired = create_token(user=user, name="expired", expires_at=now - timedelta(seconds=1))
    assert authenticate_token(secret=valid)
    assert authenticate_token(secret=expired) is None
    assert expired_token.state == "expired"


def test_a_token_of_an_inactive_user_is_rejected(user):
    _, secret = create_token(user=user, name="import")
    user.is_active = False
    user.save()
    assert authenticate_token(secret=secret) is None


def test_the_last_use_is_updated_at_most_once_a_minute(user, django_assert_num_queries):
    token, secret = create_token(user=user, name="import")
    with django_assert_num_queries(2):
        authenticate_token(secret=secret)
    with django_assert_num_queries(1):
        authenticate_token(secret=secret)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now() - timedelta(seconds=61))
    with django_assert_num_queries(2):
        authenticate_token(secret=secret)


@pytest.mark.django_db(transaction=True)
def test_a_token_is_valid_while_the_database_is_read_only(user):
    token, secret = create_token(user=user, name="import")
    set_read_only(True)
    try:
        assert authenticate_token(secret=secret) == token
        assert ApiToken.objects.get().last_used_at is None
    finally:
        set_read_only(False)
    authenticate_token(secret=secret)
    assert ApiToken.objects.get().last_used_at


def set_read_only(is_read_only):
    value = "on" if is_read_only else "off"
    is_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_transaction_read_only = {value}" if is_postgresql else f"PRAGMA query_only = {value}")


def test_create_user_rejects_a_taken_username(user):
    with pytest.raises(ValidationError, match="already exists"):
        create_user(username=user.username, password="correct horse")


def test_reviewers_can_change_nothing_but_reviews(reviewer, user):
    assert reviewer.is_staff
    assert reviewer.has_perms(["predictions.view_prediction", "predictions.review_prediction", "monitoring.view_rollup"])
    verbs = {permission.codename.partition("_")[0] for permission in reviewer.groups.get().permissions.all()}
    assert verbs == {"view", "review", "send", "export"}
    assert add_reviewer(user=user) == user
    assert user.groups.filter(name="Reviewers").exists()


def test_a_system_user_cannot_sign_in_or_be_signed_up(db):
    account = get_or_create_system_user(username="(system)")
    assert get_or_create_system_user(username="(system)") == account
    assert (account.is_active, account.has_usable_password()) == (False, False)
    with pytest.raises(ValueError, match="not available for sign-up"):
        get_or_create_system_user(username="system")
