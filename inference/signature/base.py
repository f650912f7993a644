"""The base class of inputs and outputs: conversion to and from JSON, and validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, ClassVar, Self

from inference.errors import InvalidSignature
from inference.messages import find_closest


class SignaturePart:
    """The input or output of a signature. The dataclass fields are the allowed keys in `model.toml`."""

    kind: ClassVar[str]
    section: ClassVar[str]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build from JSON or TOML.

        Raises:
            InvalidSignature: a key is unknown or missing, or a value is invalid.
        """
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "kind"}
        place = f"[{cls.section}] of the signature (kind = {cls.kind!r})"
        check_keys(cls, values, place)
        try:
            return cls(**values)
        except (TypeError, OverflowError) as error:
            raise InvalidSignature(f"A value in {place} has the wrong type: {error}.") from error

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON without empty values."""
        return {"kind": self.kind, **to_plain_dict(self)}


def check_keys(cls: type[Any], values: Mapping[str, Any], place: str) -> None:
    """Raise `InvalidSignature` on unknown keys and on missing required keys of a dataclass."""
    known = {field.name for field in fields(cls)}
    if unknown := sorted(values.keys() - known):
        closest = find_closest(unknown[0], sorted(known))
        hint = f" Did you mean {closest}?" if closest else ""
        raise InvalidSignature(f"Expected only {', '.join(sorted(known))} in {place}. Received: {unknown}.{hint}")
    required = {field.name for field in fields(cls) if field.default is MISSING}
    if missing := sorted(required - values.keys()):
        raise InvalidSignature(f"Expected {' and '.join(missing)} in {place}: the model does not define it.")


def to_plain_dict(part: Any) -> dict[str, Any]:
    """Return a dataclass as JSON without empty strings, empty lists, and None."""
    values = asdict(part).items()
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values if value not in ((), "", None)}


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidSignature(f"Expected {name} to be one of {', '.join(choices)}. Received: {value!r}")


def check_strings(part: SignaturePart, *values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise InvalidSignature(f"Expected a string in [{part.section}] of the signature. Received: {value!r:.100}")
