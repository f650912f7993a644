"""The only code that writes registered models, versions and aliases."""

from registry.services.promote import promote_model
from registry.services.register import register_model

__all__ = ["promote_model", "register_model"]
