"""Fixtures of the API's tests."""

import pytest
from django.test import Client

from inference.tests.pictures import picture
from predictions.tests.test_services_predict import ask


@pytest.fixture
def api(client, user, token_of):
    """A client that sends the token of `user` with each request."""
    return Client(headers=token_of(user))


@pytest.fixture
def three(shades, user):
    return [ask(user, picture(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]
