"""Infer the features of a table from the artifact and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature
from inference.messages import clean_name, find_closest, format_names, quote_value
from inference.numbers import MAX_INTEGER
from inference.signature.feature import MISSING_NONE, MISSING_NUMBER, NUMBER_TYPES, TYPES
from inference.signature.infer.messages import MANIFEST_NAME, describe_inputs, format_tensors
from inference.signature.table import check_feature_list
from inference.tensors import get_dtype_bounds, get_max_exact_integer, get_width, get_widths
from inference.types import UNKNOWN_KEY, UNUSED_KEY, ArtifactMetadata, Tensor

STATED_EXAMPLES = {
    "type": f'type = "{"|".join(TYPES)}"',
    "missing": 'missing = "nan|none"',
}
FeatureData = dict[str, Any]
"""A feature with the keys of `model.toml`."""
EXACT_KEY = "max_exact_integer"  # key of a detected feature; not part of the signature
MISSING_KEY = "takes_missing"  # key of a detected feature; false if the artifact takes no missing value
MARKER_KEY = "takes_marker"  # key of a detected feature; false if no number or text can stand for a missing value
INTERNAL_KEYS = (EXACT_KEY, MISSING_KEY, MARKER_KEY)
DERIVED_EXAMPLE_KEYS = {"type", "values", "min", "max", "example"}
# The types that `model.toml` can declare for each type in the artifact.
COMPATIBLE_TYPES = {
    "float": {"float", "integer", "boolean", "category"},
    "integer": {"integer", "boolean", "category"},
    "boolean": {"boolean"},
    "text": {"text", "category"},
    "category": {"text", "category"},
    "datetime": {"datetime"},
}


def infer_table_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input with the features of the artifact, completed and overridden by the declared ones.

    Features are matched by name if the artifact names them, and by position otherwise.

    Raises:
        InvalidSignature: the number, names, or types of the declared features do not match the artifact.
    """
    declared = [dict(feature) for feature in check_feature_list(declared_input.get("features", ()))]
    detected, has_names = _detect_features(metadata, declared)
    if not detected:
        features = declared
    elif has_names or (declared and _get_names(declared) <= _get_names(detected)):
        features = _merge_by_name(detected, declared)
    elif declared and len(declared) != len(detected):
        raise InvalidSignature(
            f"Expected {len(detected)} features, as many as the artifact takes. {MANIFEST_NAME} has {len(declared)}."
        )
    else:
        features = [_merge_feature(*pair) for pair in zip(detected, declared or [{}] * len(detected), strict=True)]
    _check_unknown_keys(features)
    return {**declared_input, "features": features}


def _detect_features(metadata: ArtifactMetadata, declared: list[FeatureData]) -> tuple[list[FeatureData], bool]:
    """Return the features of the artifact, and whether the artifact names them."""
    if metadata.features:
        return _select_used_features(metadata, declared), metadata.has_feature_names
    inputs = metadata.inputs
    if any(not _is_row(tensor) for tensor in inputs):
        raise InvalidSignature(
            f"Expected a tabular model that takes rows of features. The artifact takes {format_tensors(inputs)}."
        )
    if len(inputs) > 1 and all(get_width(tensor) == 1 and None not in tensor.shape for tensor in inputs):
        return [make_feature(tensor, tensor.name) for tensor in inputs], True
    if not declared and any(None in tensor.shape for tensor in inputs):
        raise InvalidSignature(
            f"Expected [[input.features]] in {MANIFEST_NAME}, in the order that the model was trained with: "
            f"the artifact does not define the number of features. {describe_inputs(inputs)}"
        )
    widths = get_widths(inputs, len(declared))
    is_variable = any(None in tensor.shape for tensor in inputs)
    if min(widths, default=1) < 1 or (is_variable and sum(widths) != len(declared)):
        raise InvalidSignature(
            f"Expected as many features for each step of each input: the artifact takes {format_tensors(inputs)}. "
            f"{MANIFEST_NAME} has {len(declared)}."
        )
    pairs = zip(inputs, widths, strict=True)
    is_only = len(inputs) == 1
    return [feature for tensor, width in pairs for feature in _number_features(tensor, width, is_only=is_only)], False


def _select_used_features(metadata: ArtifactMetadata, declared: list[FeatureData]) -> list[FeatureData]:
    """Return the features that the model uses, and the declared ones of the others."""
    names = _get_names(declared)
    is_complete = not metadata.has_feature_names and len(declared) == len(metadata.features)
    return [
        {key: value for key, value in feature.items() if key != UNUSED_KEY}
        for feature in metadata.features
        if UNUSED_KEY not in feature or feature["name"] in names or is_complete
    ]


def _is_row(tensor: Tensor) -> bool:
    """Return whether a tensor takes rows of features, or numbers of several dimensions, of which at most one is variable."""
    return len(tensor.shape) < 2 or (tensor.dtype != "str" and tensor.shape.count(None) < 2)


def _number_features(tensor: Tensor, width: int, *, is_only: bool) -> list[FeatureData]:
    """Return numbered features for a tensor without feature names. scikit-learn uses the same names x0, x1, …"""
    if width == 1 and not is_only:
        return [make_feature(tensor, tensor.name)]
    return [make_feature(tensor, f"x{index}" if is_only else f"{tensor.name}_{index}") for index in range(width)]


def make_feature(tensor: Tensor, name: str) -> FeatureData:
    """Return a feature with the type and bounds of a tensor."""
    feature_type = {"s": "text", "b": "boolean", "i": "integer", "u": "integer"}.get(tensor.dtype[:1], "float")
    bounds = get_dtype_bounds(tensor.dtype)
    # A tensor has no missing strings. An empty string is a value.
    missing = {MISSING_KEY: False} if feature_type == "text" else {}
    exact = get_max_exact_integer(tensor.dtype)
    return {"name": name, "type": feature_type, **bounds, **missing, EXACT_KEY: exact, MARKER_KEY: False}


def _get_names(features: list[FeatureData]) -> set[str]:
    return {str(feature.get("name", "")) for feature in features}


def _merge_by_name(detected: list[FeatureData], declared: list[FeatureData]) -> list[FeatureData]:
    names = [str(feature["name"]) for feature in detected]
    by_name: dict[str, FeatureData] = {}
    for feature in declared:
        name = str(feature.get("name", ""))
        if not name:
            raise InvalidSignature(f"Expected a name in each [[input.features]] table. Received: {feature!r:.100}")
        if name not in names:
            closest = find_closest(name, names)
            hint = f"Did you mean {closest!r}?" if closest else f"It takes {', '.join(names)[:500]}."
            raise InvalidSignature(f"The artifact takes no feature {name!r}. {hint}")
        if name in by_name:
            raise InvalidSignature(f"Feature names must be unique. {MANIFEST_NAME} has {name!r} twice.")
        by_name[name] = feature
    return [_merge_feature(feature, by_name.get(str(feature["name"]), {})) for feature in detected]


def _merge_feature(detected: FeatureData, declared: FeatureData) -> FeatureData:
    """Return the declared feature, completed by the artifact's. Reject values that the artifact cannot represent."""
    max_exact = detected.get(EXACT_KEY, MAX_INTEGER)
    if DERIVED_EXAMPLE_KEYS & declared.keys():  # the artifact's example could be out of range
        detected = {key: value for key, value in detected.items() if key != "example"}
    if declared.get("type") == "text":  # accepts other values than those of the training data
        detected = {key: value for key, value in detected.items() if key != "values"}
    merged = {key: value for key, value in {**detected, **declared}.items() if key not in INTERNAL_KEYS}
    feature_type = merged.get("type", "float")
    if feature_type not in TYPES:
        return merged  # `Feature` rejects it
    _check_type(detected, merged, feature_type)
    _check_marker(detected, merged)
    if feature_type == "category" and len(merged.get("values", ())) - 1 > max_exact:
        raise InvalidSignature(
            f"Expected at most {max_exact + 1} values of {merged.get('name')}: the artifact's data type cannot "
            "represent more."
        )
    if feature_type == "integer" and max_exact < MAX_INTEGER:
        merged = {"min": -max_exact if detected.get("min") is None else detected["min"], "max": max_exact} | merged
        detected = {**detected, "max": min(detected.get("max", max_exact), max_exact)}
    if feature_type not in NUMBER_TYPES:
        return {key: value for key, value in merged.items() if key in declared or key not in ("min", "max")}
    _check_bounds(detected, merged)
    return merged


def _check_unknown_keys(features: list[FeatureData]) -> None:
    """Remove `UNKNOWN_KEY`. Raise `InvalidSignature` with all keys that the artifact does not define."""
    missing = [
        (clean_name(str(feature["name"])), key, reason)
        for feature in features
        for key, reason in feature.pop(UNKNOWN_KEY, {}).items()
        if key not in feature
    ]
    if missing:
        name, key, reason = missing[0]
        keys = " and ".join(sorted({key for _, key, _ in missing}))
        names = format_names([name for name, _, _ in missing])
        raise InvalidSignature(
            f"Expected {keys} in {MANIFEST_NAME} for: {names}. The artifact does not define it: {reason}. "
            f"State it in [input] for each of them: features = [{{ name = {quote_value(name)}, {STATED_EXAMPLES[key]} }}]"
        )


def _check_type(detected: FeatureData, merged: FeatureData, feature_type: str) -> None:
    detected_type = detected.get("type", "")
    if detected_type and feature_type not in COMPATIBLE_TYPES[detected_type]:
        raise InvalidSignature(
            f"The artifact takes {merged.get('name')} as {detected_type}, but {MANIFEST_NAME} declares {feature_type}. "
            f"Expected {' or '.join(sorted(COMPATIBLE_TYPES[detected_type]))}."
        )
    can_be_missing = merged.get("required") is False and merged.get("default") is None
    can_take_missing = detected.get("required") is False or ("missing" in merged and EXACT_KEY not in detected)
    has_no_missing = detected.get(MISSING_KEY) is False or (detected_type in ("integer", "boolean") and not can_take_missing)
    if can_be_missing and has_no_missing:
        raise InvalidSignature(
            f"Expected a default for {merged.get('name')}: the artifact takes it as {detected_type}, "
            "which cannot represent a missing value."
        )


def _check_marker(detected: FeatureData, merged: FeatureData) -> None:
    """Reject a number or text that stands for a missing value if the artifact would receive NaN instead of it."""
    marker = merged.get("missing")
    if marker not in (None, MISSING_NUMBER, MISSING_NONE) and detected.get(MARKER_KEY) is False:
        raise InvalidSignature(
            f"Expected default = {quote_value(marker)} instead of missing for {merged.get('name')}: the artifact does not "
            "define which value stands for a missing value. The model receives the default if the feature is not sent."
        )


def _check_bounds(detected: FeatureData, merged: FeatureData) -> None:
    """Reject bounds that would overflow the artifact's tensor."""
    for name, exceeds, extreme in (("min", float.__lt__, "smallest"), ("max", float.__gt__, "largest")):
        limit, bound = detected.get(name), merged.get(name)
        if limit is not None and isinstance(bound, int | float) and exceeds(float(bound), float(limit)):
            raise InvalidSignature(
                f"{MANIFEST_NAME} declares {name} = {bound} for {merged.get('name')}, but the {extreme} number that the "
                f"artifact's data type can represent is {limit:,.10g}."
            )
