from predictions.models.input import Input
from predictions.models.prediction import Prediction
from predictions.models.review import Review, ReviewClaim
from predictions.models.summaries import PredictionCount, ReviewSummary, SummaryProgress

__all__ = ["Input", "Prediction", "PredictionCount", "Review", "ReviewClaim", "ReviewSummary", "SummaryProgress"]
