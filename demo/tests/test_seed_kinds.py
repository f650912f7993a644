"""Generated inputs of models that take text, or images with features."""

import pytest

from demo.tests.factories import generate_predictions
from inference.errors import InvalidInput
from predictions.models import Input

pytestmark = pytest.mark.django_db


def test_texts_are_generated(reviews):
    predictions = generate_predictions(reviews)
    assert {prediction.input.kind for prediction in predictions} == {"text"}
    assert all(prediction.input.text.startswith("generated ") for prediction in predictions)


def test_images_with_features_are_rejected(parcels):
    with pytest.raises(InvalidInput, match="parcels:1 takes images with features"):
        generate_predictions(parcels)
    assert not Input.objects.exists()
