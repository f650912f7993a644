"""Fixtures of users and of clients, for the tests of all apps."""

from __future__ import annotations

import uuid
from typing import Any

import pytest


@pytest.fixture
def make_user(db):
    def make(username: str | None = None, **fields: Any):
        from accounts.models import User

        return User.objects.create_user(username or f"user-{uuid.uuid4().hex[:8]}", password="correct horse", **fields)

    return make


@pytest.fixture
def user(make_user):
    return make_user("ada")


@pytest.fixture
def other(make_user):
    return make_user("eve")


@pytest.fixture
def reviewer(make_user):
    from accounts.services import add_reviewer

    person = make_user("rosa")
    add_reviewer(user=person)
    return person


@pytest.fixture
def superuser(make_user):
    return make_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def token_headers():
    """Return a function that makes an Authorization header with a new token of a user."""
    from accounts.services import create_token

    def headers(user) -> dict[str, str]:
        return {"authorization": f"Bearer {create_token(user=user, name='test')[1]}"}

    return headers


@pytest.fixture
def api(client, user, token_headers):
    """Return a client that sends the token of `user` with each request."""
    from django.test import Client

    return Client(headers=token_headers(user))


@pytest.fixture
def signed_in(client, user):
    """Return a client in which `user` has signed in."""
    client.force_login(user)
    return client
