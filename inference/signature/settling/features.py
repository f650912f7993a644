"""What an artifact says of the features that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.feature import MAX_INTEGER, NUMBERS, TYPES, nearest
from inference.signature.settling.words import FILE, listed
from inference.tensors import bounds_of, whole_numbers_of, width_of, widths_of
from inference.types import ArtifactFacts, Tensor

Given = dict[str, Any]
WHOLE = "whole"  # of an own feature: up to which whole number its tensor holds all of them
# Which types a feature may be declared as, where its tensor or column has this one.
WIDER = {
    "float": {"float", "integer", "boolean", "category"},
    "integer": {"integer", "boolean", "category"},
    "boolean": {"boolean"},
    "text": {"text", "category"},
    "category": {"text", "category"},
}


def table_of(facts: ArtifactFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the artifact says of its features, and over it what was given, by name where it has names of its own.

    Raises:
        InvalidSignature: when there are too many or too few, one has another name, or a type that it cannot hold.
    """
    told = _told(given)
    own, named = _own_features(facts, told)
    if not own:
        features = told
    elif named or (told and _names(told) <= _names(own)):
        features = _by_name(own, told)
    elif told and len(told) != len(own):
        raise InvalidSignature(f"Expected {len(own)} features, as many as the artifact takes. {FILE} has {len(told)}.")
    else:
        features = [_merged(ours, theirs) for ours, theirs in zip(own, told or own, strict=True)]
    return {**given, "features": features}


def _told(given: Mapping[str, Any]) -> list[Given]:
    features = given.get("features", ())
    if not isinstance(features, list | tuple) or not all(isinstance(one, Mapping) for one in features):
        raise InvalidSignature(f"Expected a list of tables in features: [[input.features]]. Received: {features!r:.100}")
    return [dict(one) for one in features]


def _own_features(facts: ArtifactFacts, told: list[Given]) -> tuple[list[Given], bool]:
    """Return what the artifact says of its features, and whether their names are its own."""
    if facts.features:
        return [dict(one) for one in facts.features], True
    inputs = facts.inputs
    if any(len(tensor.shape) > 1 for tensor in inputs):
        raise InvalidSignature(f"Expected a model of tables to take rows of features. The artifact takes {listed(inputs)}.")
    if len(inputs) > 1 and all(width_of(tensor) == 1 for tensor in inputs):
        return [_feature(tensor, tensor.name) for tensor in inputs], True
    if not told and any(None in tensor.shape for tensor in inputs):
        raise InvalidSignature(
            f"Expected the features in {FILE}, [[input.features]], in the order that the model was trained with: "
            f"the artifact leaves open how many it takes. It takes {listed(inputs)}."
        )
    widths = widths_of(inputs, len(told))
    if min(widths, default=1) < 1:
        raise InvalidSignature(f"Expected more features: the artifact takes {listed(inputs)}. {FILE} has {len(told)}.")
    named = zip(inputs, widths, strict=True)
    return [one for tensor, width in named for one in _numbered(tensor, width, alone=len(inputs) == 1)], False


def _numbered(tensor: Tensor, width: int, *, alone: bool) -> list[Given]:
    """Return the features of a tensor that names none. x0, x1 … are the names that scikit-learn gives them."""
    if width == 1 and not alone:
        return [_feature(tensor, tensor.name)]
    return [_feature(tensor, f"x{number}" if alone else f"{tensor.name}_{number}") for number in range(width)]


def _feature(tensor: Tensor, name: str) -> Given:
    kind = {"s": "text", "b": "boolean", "i": "integer", "u": "integer"}.get(tensor.dtype[:1], "float")
    return {"name": name, "type": kind, **bounds_of(tensor.dtype), WHOLE: whole_numbers_of(tensor.dtype)}


def _names(features: list[Given]) -> set[str]:
    return {str(one.get("name", "")) for one in features}


def _by_name(own: list[Given], told: list[Given]) -> list[Given]:
    names = [str(one["name"]) for one in own]
    said: dict[str, Given] = {}
    for one in told:
        name = str(one.get("name", ""))
        if not name:
            raise InvalidSignature(f"Expected a name in each of [[input.features]]. Received: {one!r:.100}")
        if name not in names:
            near = nearest(name, names)
            hint = f"Did you mean {near!r}?" if near else f"It takes {', '.join(names)[:500]}."
            raise InvalidSignature(f"The artifact takes no feature {name!r}. {hint}")
        if name in said:
            raise InvalidSignature(f"Expected features of different names. {FILE} has {name!r} twice.")
        said[name] = one
    return [_merged(one, said.get(str(one["name"]), {})) for one in own]


def _merged(own: Given, told: Given) -> Given:
    """Return a feature as told, completed by the artifact's own, of which it must not promise more than that holds."""
    whole = own.get(WHOLE, MAX_INTEGER)
    merged = {key: value for key, value in {**own, **told}.items() if key != WHOLE}
    kind = merged.get("type", "float")
    if kind not in TYPES:
        return merged  # refused where it is read
    _check_type(own, merged, kind)
    if kind == "category" and len(merged.get("values", ())) - 1 > whole:
        raise InvalidSignature(
            f"Expected at most {whole + 1} values of {merged.get('name')}: the artifact takes it as a number of that size."
        )
    if kind == "integer" and whole < MAX_INTEGER:
        merged = {"min": -whole if own.get("min") is None else own["min"], "max": whole} | merged
        own = {**own, "max": min(own.get("max", whole), whole)}
    if kind not in NUMBERS:
        return {key: value for key, value in merged.items() if key in told or key not in ("min", "max")}
    _check_bounds(own, merged)
    return merged


def _check_type(own: Given, feature: Given, kind: str) -> None:
    ours = own.get("type", "")
    if ours and kind not in WIDER[ours]:
        raise InvalidSignature(
            f"The artifact takes {feature.get('name')} as {ours}, and {FILE} says {kind}. "
            f"Expected {' or '.join(sorted(WIDER[ours]))}."
        )
    may_be_missing = feature.get("required") is False and feature.get("default") is None
    if ours in ("integer", "boolean") and may_be_missing:
        raise InvalidSignature(
            f"Expected a default for {feature.get('name')}: the artifact takes it as {ours}, which has no missing value."
        )


def _check_bounds(own: Given, feature: Given) -> None:
    """Refuse numbers that would overflow in the artifact's tensor."""
    for name, beyond, reach in (("min", float.__lt__, "at least"), ("max", float.__gt__, "at most")):
        ours, theirs = own.get(name), feature.get(name)
        if ours is not None and isinstance(theirs, int | float) and beyond(float(theirs), float(ours)):
            raise InvalidSignature(
                f"{FILE} says {name} = {theirs} for {feature.get('name')}, and the type that the artifact takes it as holds "
                f"numbers of {reach} {ours:,.10g}."
            )
