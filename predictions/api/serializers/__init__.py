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
    ReviewRequestSerializer,
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
    "ReviewRequestSerializer",
    "ReviewSerializer",
]
