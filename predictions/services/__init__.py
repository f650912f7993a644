"""The only writers of the ledger: every door calls these, and nothing here knows a door."""

from predictions.services.examples import ask_example
from predictions.services.predict import predict
from predictions.services.promote import promote_model
from predictions.services.register import register_model
from predictions.services.review import review_prediction, withdraw_review

__all__ = ["ask_example", "predict", "promote_model", "register_model", "review_prediction", "withdraw_review"]
