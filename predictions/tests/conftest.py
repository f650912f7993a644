"""Fixtures of the doors' tests."""

import pytest
from django.test import Client

from inference.tests.pictures import picture
from predictions.tests.test_services_predict import ask


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
    return [ask(user, picture(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out" / "dataset"


@pytest.fixture
def export(folder):
    """Return a function that exports what must work, and gives the lines of the manifest."""

    def call(model="shades", *options):
        from evaluation.tests.test_datasets_export import rows_of
        from predictions.tests.test_commands import run

        out, err, error = run("export_dataset", model, folder, *options)
        assert (err, error) == ("", None), out
        return rows_of(folder / "manifest.csv")

    return call
