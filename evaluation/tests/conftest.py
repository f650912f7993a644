"""Fixtures of the evaluation app."""

import pytest

from core.tests.commands import run_command
from evaluation.tests.factories import read_csv
from inference.tests.factories import make_image
from predictions.tests.factories import make_prediction


@pytest.fixture
def three(shades, user):
    """Return three predictions of one user: black, grey and white."""
    return [make_prediction(user, make_image(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.fixture
def folder(tmp_path):
    """Return the path of a dataset, which does not exist yet."""
    return tmp_path / "out" / "dataset"


@pytest.fixture
def export(folder):
    """Return a function that exports a dataset without errors and returns the rows of its manifest."""

    def call(model="shades", *options):
        out, err, error = run_command("export_dataset", model, folder, *options)
        assert (err, error) == ("", None), out
        return read_csv(folder / "manifest.csv")

    return call
