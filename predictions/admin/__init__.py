"""Inputs, predictions and reviews in the admin."""

from predictions.admin.predictions import InputAdmin, PredictionAdmin
from predictions.admin.reviews import ReviewAdmin

__all__ = ["InputAdmin", "PredictionAdmin", "ReviewAdmin"]
