"""The caller of a request and its model version, found in one query."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from accounts.services import LAST_USE_INTERVAL, authenticate_token, create_token
from registry.callers import find_caller
from registry.errors import UnknownModel
from registry.references import resolve_model
from registry.services import register_model
from registry.services.promote import move_alias

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(user):
    return create_token(user=user, name="test")[1]


@pytest.mark.parametrize("reference", ["", "shades", "shades@production"])
def test_the_caller_is_found_as_by_two_queries(shades, user, secret, reference, django_assert_num_queries):
    user.is_staff = True
    user.save()
    find_caller(secret=secret, reference=reference)  # updates the last use and loads the version
    with django_assert_num_queries(1):
        caller = find_caller(secret=secret, reference=reference)
    assert caller.resolved == resolve_model(reference)
    assert caller.user == user
    for name in ("username", "is_active", "is_staff", "is_superuser"):
        assert caller.user.__dict__[name] == getattr(user, name)


def test_each_caller_has_its_own_values_and_loads_the_others(shades, make_user):
    users = [make_user(name, email=f"{name}@example.org", daily_quota=quota) for name, quota in (("ada", 5), ("eve", None))]
    secrets = [create_token(user=user, name="test")[1] for user in users]
    found = [find_caller(secret=secret, reference="shades").user for secret in secrets]
    assert [(user.pk, user.username, user.daily_quota) for user in found] == [
        (user.pk, user.username, user.daily_quota) for user in users
    ]
    assert ["email" in user.get_deferred_fields() for user in found] == [True, True]
    assert [user.email for user in found] == ["ada@example.org", "eve@example.org"]
    assert not any(user._state.adding for user in found)


@pytest.mark.parametrize("age", [-timedelta(seconds=1), timedelta(seconds=1)])
@pytest.mark.parametrize("field", ["expires_at", "revoked_at", "is_active", "digest"])
def test_a_token_is_valid_exactly_if_it_authenticates(shades, user, secret, field, age):
    moment = timezone.now() + age
    if field == "is_active":
        type(user).objects.update(is_active=age > timedelta(0))
    else:
        ApiToken.objects.update(**{field: "0" * 64 if field == "digest" else moment})
    assert (find_caller(secret=secret, reference="shades") is None) == (authenticate_token(secret=secret) is None)


def test_the_alias_is_read_each_time(shades, secret, write_dummy):
    assert find_caller(secret=secret, reference="shades").resolved.version == shades
    second = register_model(path=write_dummy())
    move_alias(version=second)
    assert find_caller(secret=secret, reference="shades").resolved.version == second


@pytest.mark.parametrize("reference", ["nope", "shades@staging", "shades:1"])
def test_other_references_are_left_to_resolve_model(shades, secret, reference):
    assert find_caller(secret=secret, reference=reference) is None


def test_an_invalid_reference_is_an_error(shades, secret):
    with pytest.raises(UnknownModel):
        find_caller(secret=secret, reference="NOT A MODEL")


def test_the_default_model_is_the_first_one_in_production(secret, write_dummy):
    versions = [register_model(path=write_dummy(name=name)) for name in ("staged", "first", "second")]
    assert find_caller(secret=secret, reference="") is None
    move_alias(version=versions[0], alias="staging")
    for version in reversed(versions[1:]):
        move_alias(version=version)
        assert find_caller(secret=secret, reference="").resolved == resolve_model()
    assert resolve_model().version == versions[1]


def test_no_model_in_production_finds_nothing(secret):
    assert find_caller(secret=secret, reference="") is None


def test_the_last_use_is_updated_once_per_interval(shades, secret):
    find_caller(secret=secret, reference="shades")
    first = ApiToken.objects.get().last_used_at
    assert first
    find_caller(secret=secret, reference="shades")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - LAST_USE_INTERVAL)
    find_caller(secret=secret, reference="shades")
    assert ApiToken.objects.get().last_used_at > first
