"""Fixtures of the evaluation app."""

import pytest

from core.tests.commands import run_command
from evaluation.tests.factories import SimulatedReviews, read_csv
from inference.tests.factories import make_image
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction


@pytest.fixture
def reviewed(shades, user, reviewer):
    """Return four predictions of `user`: three reviewed by `reviewer`, two of them correct, one of these at random."""
    predictions = [make_prediction(user, make_image(shade)) for shade in (0, 127, 255, 250)]
    review_prediction(prediction=predictions[0], reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=predictions[1], reviewer=reviewer, verdict="correct", picked_by="uncertain")
    review_prediction(prediction=predictions[2], reviewer=reviewer, true_label="grey", picked_by="margin")
    return predictions


@pytest.fixture
def simulated(shades, user, reviewer):
    """Return 1000 predictions of `user` and their reviews by `reviewer`."""
    return SimulatedReviews(shades, user, reviewer)


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
