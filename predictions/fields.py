"""Model fields of the ledger."""

from __future__ import annotations

from typing import Any

from django.db import models
from uuid_utils.compat import uuid7


class UUID7Field(models.UUIDField):
    """A primary key that is the public id at once: ordered by time, not guessable (RFC 9562, 5.7)."""

    def __init__(self, **options: Any) -> None:
        defaults: dict[str, Any] = {"primary_key": True, "default": uuid7, "editable": False}
        super().__init__(**(defaults | options))
