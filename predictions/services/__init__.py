"""The only code that writes inputs, predictions and reviews. Every entry point calls these functions."""

from predictions.services.examples import predict_example
from predictions.services.predict import predict
from predictions.services.reviews import review_prediction, withdraw_review

__all__ = ["predict", "predict_example", "review_prediction", "withdraw_review"]
