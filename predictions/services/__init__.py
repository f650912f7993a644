"""Create inputs, predictions and reviews. Entry points write through these functions only."""

from predictions.services.examples import predict_example
from predictions.services.predict import predict
from predictions.services.reviews import review_prediction, withdraw_review

__all__ = ["predict", "predict_example", "review_prediction", "withdraw_review"]
