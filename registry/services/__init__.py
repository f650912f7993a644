"""Write registered models, versions, and aliases. No other code writes them."""

from registry.services.promote import promote_model
from registry.services.register import register_model

__all__ = ["promote_model", "register_model"]
