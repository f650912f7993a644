"""Builders shared by tests."""

from __future__ import annotations

from demo.services.seed import seed_predictions
from predictions.models import Input, Prediction

SEED_OPTIONS = {"count": 400, "files": 7, "days": 3, "reviewed": 0.4}


def generate_predictions(version, **options):
    """Generate predictions and return all of them, in the order of their ids."""
    options = SEED_OPTIONS | options
    seed_predictions(version=version, **options)
    predictions = list(Prediction.objects.with_related().order_by("id"))
    assert len(predictions) == Input.objects.count() == options["count"]
    return predictions


def filter_succeeded(predictions):
    """Return the succeeded predictions. Most have succeeded, but not all."""
    succeeded = [prediction for prediction in predictions if prediction.status == "succeeded"]
    assert 0.9 * len(predictions) < len(succeeded) < len(predictions)
    return succeeded
