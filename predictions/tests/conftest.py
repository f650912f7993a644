"""Fixtures of the doors' tests."""

import pytest
from django.test import Client

from inference.tests.pictures import picture
from predictions.tests.factories import make_prediction


@pytest.fixture
def api(client, user, token_of):
    """A client that sends the token of `user` with each request."""
    return Client(headers=token_of(user))


@pytest.fixture
def signed_in(client, user):
    """A browser in which `user` has signed in."""
    client.force_login(user)
    return client


@pytest.fixture
def three(shades, user):
    return [make_prediction(user, picture(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out" / "dataset"


@pytest.fixture
def export(folder):
    """Return a function that exports what must work, and gives the lines of the manifest."""

    def call(model="shades", *options):
        from core.tests.commands import run_command
        from evaluation.tests.factories import read_csv

        out, err, error = run_command("export_dataset", model, folder, *options)
        assert (err, error) == ("", None), out
        return read_csv(folder / "manifest.csv")

    return call
