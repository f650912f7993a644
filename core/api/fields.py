"""What request bodies are made of, read strictly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from inference.errors import MAX_LISTED_ERRORS


def reject_unknown_fields(data: Any, known: Iterable[str]) -> None:
    """Refuse a key that is no field: a misspelt one would silently be without effect."""
    if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(known))):
        more = f" And {len(unknown) - MAX_LISTED_ERRORS:,} more." if len(unknown) > MAX_LISTED_ERRORS else ""
        names = ", ".join(known)
        raise serializers.ValidationError(
            {
                name[:100]: f"There is no field {name[:100]!r}. There are: {names}.{more}"
                for name in unknown[:MAX_LISTED_ERRORS]
            },
            code="unknown-field",
        )


class StrictFloatField(serializers.FloatField):
    """A JSON number: no text, no truth value."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Expected a number.", code="wrong-type")
        return super().to_internal_value(data)
