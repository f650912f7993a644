"""What a model that takes a row of named features takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from inference.errors import InvalidSignature
from inference.signature.feature import Feature
from inference.signature.part import Part, check_keys, plain

MAX_FEATURES = 5000


@dataclass(frozen=True, slots=True)
class TableInput(Part):
    """One row of named features, in the order that the model takes them."""

    kind: ClassVar[str] = "tabular"
    section: ClassVar[str] = "input"
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if not 1 <= len(names) <= MAX_FEATURES:
            raise InvalidSignature(f"Expected 1 to {MAX_FEATURES} features. Received: {len(names)}")
        if twice := sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
            raise InvalidSignature(f"Expected features of different names. Received twice: {', '.join(twice)}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        check_keys(cls, {key: value for key, value in data.items() if key != "kind"}, "[input] of the signature")
        return cls(tuple(_feature(item) for item in _tables(data["features"])))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "features": [_without_defaults(feature) for feature in self.features]}

    @property
    def names(self) -> list[str]:
        return [feature.name for feature in self.features]


def _feature(data: Mapping[str, Any]) -> Feature:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    check_keys(Feature, values, f"the feature {data.get('name', '')!r} of the signature")
    return Feature(**values)


def _tables(items: Any) -> list[Mapping[str, Any]]:
    if not isinstance(items, list | tuple) or not all(isinstance(item, Mapping) for item in items):
        raise InvalidSignature(f"Expected a list of tables in features: [[input.features]]. Received: {items!r:.100}")
    return list(items)


def _without_defaults(feature: Feature) -> dict[str, Any]:
    values = plain(feature)
    values |= {name: "" for name in ("default", "example") if getattr(feature, name) == ""}
    if feature.required or feature.default is not None:
        del values["required"]
    return values
