"""Strict fields and checks for request bodies."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, ClassVar, cast

from django.utils.datastructures import MultiValueDict
from rest_framework import serializers

from inference.errors import MAX_LISTED_ERRORS

MAX_QUOTED_CHARACTERS = 100  # of an unknown field or filter in an error message


def reject_unknown_fields(data: Any, known: Iterable[str], *, repeatable: Container[str] = ()) -> None:
    """Reject keys that are not fields, and repeated parts of a form, because they would have no effect.

    Args:
        repeatable: fields that can occur several times in a form.

    Raises:
        ValidationError: one error per unknown key, at most `MAX_LISTED_ERRORS`, or one for a repeated key.
    """
    if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(known))):
        names = ", ".join(known)
        hidden = len(unknown) - MAX_LISTED_ERRORS
        more = f" And {hidden:,} more unknown fields." if hidden > 0 else ""
        quoted = [name[:MAX_QUOTED_CHARACTERS] for name in unknown[:MAX_LISTED_ERRORS]]
        raise serializers.ValidationError(
            {name: f"There is no field {name!r}. Available fields: {names}.{more}" for name in quoted}, code="unknown-field"
        )
    if isinstance(data, MultiValueDict):
        for name, values in data.lists():
            if len(values) > 1 and name not in repeatable:
                raise serializers.ValidationError({name: "Expected this field once."}, code="repeated-field")


class StrictFloatField(serializers.FloatField):
    """A JSON number. Strings and booleans are rejected."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise serializers.ValidationError("Expected a number.", code="wrong-type")
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer):
    """Reject unknown fields, and repeated parts of a form except for lists."""

    repeatable_fields: ClassVar[frozenset[str]] = frozenset()  # in addition to lists

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        lists = {name for name, field in self.fields.items() if isinstance(field, serializers.ListField)}
        reject_unknown_fields(data, self.fields, repeatable=lists | self.repeatable_fields)
        return cast(dict[str, Any], super().to_internal_value(data))
