"""The ledger in the admin: to look at, not to edit."""

from predictions.admin.ledger import InputAdmin, PredictionAdmin
from predictions.admin.registry import AliasAdmin, AliasChangeAdmin, ModelVersionAdmin, RegisteredModelAdmin
from predictions.admin.review import ReviewAdmin

__all__ = [
    "AliasAdmin", "AliasChangeAdmin", "InputAdmin", "ModelVersionAdmin", "PredictionAdmin", "RegisteredModelAdmin",
    "ReviewAdmin",
]  # fmt: skip
