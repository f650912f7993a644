"""The tables of the ledger."""

from predictions.models.ledger import Input, Prediction
from predictions.models.registry import Alias, AliasChange, ModelVersion, RegisteredModel
from predictions.models.review import Review, ReviewClaim
from predictions.models.rollup import RolledPeriod, Rollup

__all__ = [
    "Alias", "AliasChange", "Input", "ModelVersion", "Prediction", "RegisteredModel", "Review", "ReviewClaim",
    "RolledPeriod", "Rollup",
]  # fmt: skip
