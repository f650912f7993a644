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
        (["shades", "--count", 0], "Expected --count to be 1 or more. Received: 0"),
        (["shades", "--reviewed", 1.5], "Expected --reviewed to be from 0 to 1. Received: 1.5"),
        (["shades", "--reviewed", -1], "Expected --reviewed to be 0 or more. Received: -1"),
        (["shades", "--days", -1], "Expected --days to be 1 or more. Received: -1"),
        (["shades", "--days", 4000], "Expected --days to be 3,650 or less. Received: 4000"),
    ],
)
def test_invalid_options_are_reported(shades, arguments, message):
    assert message in run_seed(*arguments)[2]
    assert not Input.objects.exists()
