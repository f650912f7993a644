"""The input of a model that takes a row of named features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from inference.errors import InvalidSignature
from inference.messages import clean_name
from inference.signature.base import SignaturePart, check_keys, to_plain_dict
from inference.signature.feature import Feature

MAX_FEATURES = 10_000


@dataclass(frozen=True, slots=True)
class TableInput(SignaturePart):
    """One row of named features, in the order that the model requires."""

    kind: ClassVar[str] = "tabular"
    section: ClassVar[str] = "input"
    parts: ClassVar[tuple[str, ...]] = ("features",)
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if not 1 <= len(names) <= MAX_FEATURES:
            hint = " Models with more are not supported: reduce the size of their inputs." if names else ""
            raise InvalidSignature(f"Expected 1 to {MAX_FEATURES:,} features. Received: {len(names):,}.{hint}")
        if len(set(names)) < len(names):
            duplicates = sorted({name for name in names if names.count(name) > 1})
            raise InvalidSignature(f"Feature names must be unique. Duplicates: {', '.join(map(clean_name, duplicates))}")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        check_keys(cls, {key: value for key, value in data.items() if key != "kind"}, "[input] of the signature")
        return cls(tuple(_read_feature(item) for item in check_feature_list(data["features"])))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "features": [_write_feature(feature) for feature in self.features]}

    def replace_examples(self, row: Mapping[str, Any]) -> Self:
        """Return the input with the values of a row as the examples of its features."""
        features = [
            feature if row.get(feature.name) is None else replace(feature, example=row[feature.name])
            for feature in self.features
        ]
        return type(self)(tuple(features))

    @property
    def names(self) -> list[str]:
        return [feature.name for feature in self.features]


def check_feature_list(features: Any) -> list[Mapping[str, Any]]:
    """Return the features as a list, or raise `InvalidSignature` if they are not a list of tables."""
    if not isinstance(features, list | tuple) or not all(isinstance(item, Mapping) for item in features):
        raise InvalidSignature(f"Expected a list of tables in features: [[input.features]]. Received: {features!r:.100}")
    return list(features)


def _read_feature(data: Mapping[str, Any]) -> Feature:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    check_keys(Feature, values, f"the feature {data.get('name', '')!r} of the signature")
    return Feature(**values)


def _write_feature(feature: Feature) -> dict[str, Any]:
    values = to_plain_dict(feature)
    values |= {name: "" for name in ("default", "example", "missing") if getattr(feature, name) == ""}
    if feature.required or feature.default is not None:
        del values["required"]
    return values
