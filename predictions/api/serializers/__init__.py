"""Serializers of the API."""

from predictions.api.serializers.prediction import (
    ImageRequestSerializer,
    InputSerializer,
    PredictionRequestSerializer,
    PredictionSerializer,
    PredictionWithFeaturesSerializer,
    PredictionWithImageSerializer,
)
from predictions.api.serializers.review import (
    GroundTruthItemSerializer,
    GroundTruthResultSerializer,
    GroundTruthSerializer,
    ReviewInputSerializer,
    ReviewSerializer,
)

__all__ = [
    "GroundTruthItemSerializer",
    "GroundTruthResultSerializer",
    "GroundTruthSerializer",
    "ImageRequestSerializer",
    "InputSerializer",
    "PredictionRequestSerializer",
    "PredictionSerializer",
    "PredictionWithFeaturesSerializer",
    "PredictionWithImageSerializer",
    "ReviewInputSerializer",
    "ReviewSerializer",
]
