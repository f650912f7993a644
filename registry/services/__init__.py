"""Write registered models, versions, and aliases. No other code writes them."""

from registry.services.preparation import prepare_version
from registry.services.promote import promote_model
from registry.services.register import register_model, store_version

__all__ = ["prepare_version", "promote_model", "register_model", "store_version"]
