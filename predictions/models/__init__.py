from predictions.models.prediction import Input, Prediction
from predictions.models.review import Review, ReviewClaim

__all__ = ["Input", "Prediction", "Review", "ReviewClaim"]
