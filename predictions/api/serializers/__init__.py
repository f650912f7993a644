"""JSON in and out."""

from predictions.api.serializers.prediction import (
    ImageRequestSerializer,
    InputSerializer,
    PredictionRequestSerializer,
    PredictionSerializer,
    PredictionWithFeaturesSerializer,
    PredictionWithImageSerializer,
)
from predictions.api.serializers.quality import QualitySerializer
from predictions.api.serializers.registry import RegisteredModelSerializer
from predictions.api.serializers.review import (
    GroundTruthResultSerializer,
    GroundTruthSerializer,
    OpinionSerializer,
    ReviewSerializer,
    TruthSerializer,
)

__all__ = [
    "GroundTruthResultSerializer",
    "GroundTruthSerializer",
    "ImageRequestSerializer",
    "InputSerializer",
    "OpinionSerializer",
    "PredictionRequestSerializer",
    "PredictionSerializer",
    "PredictionWithFeaturesSerializer",
    "PredictionWithImageSerializer",
    "QualitySerializer",
    "RegisteredModelSerializer",
    "ReviewSerializer",
    "TruthSerializer",
]
