"""The command `seed_predictions`."""

import pytest

from core.tests.commands import run_command
from predictions.models import Input, Prediction

pytestmark = pytest.mark.django_db


def run_seed(*arguments):
    return run_command("seed_predictions", *arguments, "--files", "3")


def test_the_command_reports_its_progress(shades):
    output, _, error = run_seed("shades", "--count", 50)
    assert error is None
    assert output.startswith("Generating 50 predictions of shades:1.\n50 predictions generated (")
    assert Prediction.objects.count() == 50


def test_a_database_with_predictions_needs_confirmation(shades):
    run_seed("shades", "--count", 50)
    assert "Use --yes to add generated ones" in run_seed("shades", "--count", 50)[2]
    assert Prediction.objects.count() == 50
    assert run_seed("shades", "--count", 50, "--yes")[2] is None
    assert Prediction.objects.count() == 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No model named 'nope'"),
        (["shades", "--count", 0], "argument --count: Expected a whole number from 1 to 1,000,000,000. Received: '0'"),
        (["shades", "--reviewed", 1.5], "argument --reviewed: Expected a number from 0 to 1. Received: '1.5'"),
        (["shades", "--days", -1], "argument --days: Expected a whole number from 1 to 3,650. Received: '-1'"),
        (["shades", "--days", 4000], "argument --days: Expected a whole number from 1 to 3,650. Received: '4000'"),
    ],
)
def test_invalid_options_are_reported(shades, arguments, message):
    assert message in run_seed(*arguments)[2]
    assert not Input.objects.exists()
