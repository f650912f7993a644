"""Registered models, versions, and aliases in the admin. Read-only, except that a permission allows moving aliases."""

from registry.admin.models import AliasAdmin, AliasChangeAdmin, ModelVersionAdmin, RegisteredModelAdmin

__all__ = ["AliasAdmin", "AliasChangeAdmin", "ModelVersionAdmin", "RegisteredModelAdmin"]
