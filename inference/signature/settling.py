"""The signature of a model: what its artifact says, completed by what its `model.toml` says, and contradicted by neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from inference.errors import InvalidSignature
from inference.signature import Signature
from inference.tensors import width_of
from inference.types import ArtifactFacts, Tensor

FILE = "model.toml"
CHANNELS = (1, 3)
# Which types a feature may be declared as, where its tensor or column has this one.
WIDER = {
    "float": {"float", "integer", "boolean", "category"},
    "integer": {"integer", "boolean", "category"},
    "boolean": {"boolean"},
    "text": {"text", "category"},
}
LABELLED = ("classes", "label")


def settle(
    facts: ArtifactFacts, *, given_input: Mapping[str, Any], given_output: Mapping[str, Any], labels: Sequence[str]
) -> tuple[Signature, tuple[str, ...]]:
    """Return the signature and the labels.

    Args:
        given_input, given_output, labels: as `model.toml` says them; what is empty is read from the artifact.

    Raises:
        InvalidSignature: when the two disagree or leave something open.
    """
    kind = given_input.get("kind") or ("tabular" if "features" in given_input else _kind_of(facts))
    taken = _table(facts, given_input) if kind == "tabular" else _image(facts, given_input)
    given_labels = tuple(labels)
    output = _output(facts, given_output, given_labels, is_table=kind == "tabular")
    signature = Signature.from_dict({"input": {**taken, "kind": kind}, "output": output})
    if kind == "image":
        _check_shape(facts, signature.input)
    found = _labels(facts, signature.output, given_labels)
    return signature, found


def _kind_of(facts: ArtifactFacts) -> str:
    if facts.features:
        return "tabular"
    ranks = [len(tensor.shape) for tensor in facts.inputs]
    if ranks and max(ranks) <= 1:
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != 3):
        shapes = "; ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in facts.inputs)
        raise InvalidSignature(
            f"Expected a model that takes one image (height, width, channels) or rows of numbers. It takes {shapes}."
        )
    return "image"


# --- images


def _image(facts: ArtifactFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the artifact says of the image it takes, and over it what was given."""
    shape = facts.inputs[0].shape if len(facts.inputs) == 1 else ()
    if len(shape) != 3:
        return dict(given)
    layout = given.get("layout") or (
        "channels-first" if shape[0] in CHANNELS and shape[2] not in CHANNELS else "channels-last"
    )
    order = ("channels", "height", "width") if layout == "channels-first" else ("height", "width", "channels")
    sizes = dict(zip(order, shape, strict=True))
    return {name: size for name, size in sizes.items() if size is not None} | {"layout": layout} | dict(given)


def _check_shape(facts: ArtifactFacts, taken: Any) -> None:
    shape = facts.inputs[0].shape if len(facts.inputs) == 1 else ()
    height, width, channels = taken.shape
    ours = (channels, height, width) if taken.layout == "channels-first" else (height, width, channels)
    if len(shape) == 3 and any(size not in (None, own) for size, own in zip(shape, ours, strict=True)):
        raise InvalidSignature(
            f"{FILE} says an array of {list(ours)} ({taken.layout}), and the artifact says {list(shape)}."
        )


# --- tables


def _table(facts: ArtifactFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    told = [dict(one) for one in given.get("features", ()) if isinstance(one, Mapping)]
    if len(told) != len(given.get("features", ())):
        raise InvalidSignature(
            f"Expected a list of tables in features: [[input.features]]. Received: {given['features']!r:.100}"
        )
    own, named = _own_features(facts)
    if not own:
        features = told
    elif named:
        features = _by_name(own, told)
    elif told and len(told) != len(own):
        raise InvalidSignature(f"Expected {len(own)} features, as many as the artifact takes. {FILE} has {len(told)}.")
    else:
        features = [{**ours, **theirs} for ours, theirs in zip(own, told or own, strict=True)]
    for ours, feature in zip(own, features, strict=False):
        _check_type(ours, feature)
    return {**{name: value for name, value in given.items() if name != "features"}, "features": features}


def _own_features(facts: ArtifactFacts) -> tuple[list[dict[str, Any]], bool]:
    """Return what the artifact says of its features, and whether their names are its own."""
    if facts.features:
        return [dict(one) for one in facts.features], True
    if any(len(tensor.shape) > 1 for tensor in facts.inputs):
        raise InvalidSignature("Expected a model of tables to take vectors. " + "; ".join(str(one) for one in facts.inputs))
    scalars = len(facts.inputs) > 1 and all(width_of(tensor) == 1 for tensor in facts.inputs)
    return [feature for tensor in facts.inputs for feature in _features_of(tensor, scalar=scalars)], scalars


def _features_of(tensor: Tensor, *, scalar: bool) -> list[dict[str, Any]]:
    kind = {"s": "text", "b": "boolean", "i": "integer", "u": "integer"}.get(tensor.dtype[:1], "float")
    if scalar:
        return [{"name": tensor.name, "type": kind}]
    # x0, x1 … are the names that scikit-learn gives to what has none.
    return [{"name": f"x{number}", "type": kind} for number in range(width_of(tensor))]


def _by_name(own: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = [str(one["name"]) for one in own]
    said = {str(one.get("name", "")): one for one in told}
    for name in said:
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It takes {', '.join(names)[:500]}."
            raise InvalidSignature(f"The artifact takes no feature {name!r}. {hint}")
    return [{**one, **said.get(str(one["name"]), {})} for one in own]


def _check_type(own: Mapping[str, Any], feature: Mapping[str, Any]) -> None:
    """Refuse a type that the artifact's own cannot hold."""
    ours, theirs = own.get("type", ""), feature.get("type", "float")
    if ours and theirs not in WIDER[ours]:
        raise InvalidSignature(f"The artifact takes {feature.get('name')} as {ours}, and {FILE} says {theirs}.")
    may_be_missing = feature.get("required") is False and feature.get("default") is None
    if ours in ("integer", "boolean") and may_be_missing:
        raise InvalidSignature(
            f"Expected a default for {feature.get('name')}: the artifact takes it as {ours}, which has no missing value."
        )


# --- outputs


def _output(facts: ArtifactFacts, given: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool) -> dict[str, Any]:
    output = dict(given)
    if "kind" not in output:
        output |= (
            {**facts.output, **output}
            if facts.output
            else {"kind": _guess(facts, output, labels or facts.labels, is_table=is_table)}
        )
    several = len(facts.outputs) > 1
    if several and output["kind"] != "raw" and "name" not in output:
        output["name"] = _only_one(facts, output["kind"])
    if output["kind"] == "label" and "classes" not in output:
        classes = facts.labels or tuple(str(number) for number in range(len(labels)))
        output["classes"] = list(classes) if labels and classes != labels and not _says_labels(facts, output) else []
    return output


def _guess(facts: ArtifactFacts, given: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool) -> str:
    """Return what kind of answer it looks like: scores where there are labels, a value where a row gives one number."""
    chosen = [tensor for tensor in facts.outputs if given.get("name", tensor.name) == tensor.name]
    scores = [tensor for tensor in chosen if _may_be_scores(tensor)]
    if labels:
        return "classes" if scores or not chosen else "label"
    if is_table and len(chosen) == 1 and scores and width_of(chosen[0]) == 1 and None not in chosen[0].shape:
        return "value"
    return "raw" if len(chosen) > 1 else "classes"


def _may_be_scores(tensor: Tensor) -> bool:
    return tensor.dtype.startswith("float") or tensor.dtype in ("object", "")


def _only_one(facts: ArtifactFacts, kind: str) -> str:
    """Return the name of the output that can be of this kind, where only one can."""
    scores = [tensor for tensor in facts.outputs if _may_be_scores(tensor)]
    fitting = [tensor for tensor in facts.outputs if tensor not in scores] if kind == "label" else scores
    if len(fitting) != 1:
        names = ", ".join(tensor.name for tensor in facts.outputs)
        raise InvalidSignature(
            f"Expected name in [output]: the artifact has several, {names}. Or kind = 'raw' to keep them all."
        )
    return fitting[0].name


def _says_labels(facts: ArtifactFacts, output: Mapping[str, Any]) -> bool:
    """Return whether the output is texts, the labels themselves."""
    chosen = [tensor for tensor in facts.outputs if output.get("name", tensor.name) == tensor.name]
    return not facts.labels and bool(chosen) and chosen[0].dtype == "str"


def _labels(facts: ArtifactFacts, output: Any, given: tuple[str, ...]) -> tuple[str, ...]:
    if output.kind not in LABELLED:
        if given:
            raise InvalidSignature(f"Expected no labels for an output of kind {output.kind!r}. Received: {len(given)}")
        return ()
    width = _width(facts, output) if output.kind == "classes" else len(facts.labels) or None
    labels = given or facts.labels
    if not labels:
        many = f"one for each of {width} outputs" if width else "one for each class"
        raise InvalidSignature(
            f"Expected labels, in {FILE} or by --labels FILE: {many}. If the output is no classes, say so: "
            '[output] kind = "value" or "raw".'
        )
    if width is not None and width != len(labels) and (width, len(labels)) != (1, 2):
        raise InvalidSignature(f"Expected {width} labels, one for each output. Received: {len(labels)}")
    if output.kind == "label" and output.classes and len(output.classes) != len(labels):
        raise InvalidSignature(f"Expected as many classes as labels. Received: {len(output.classes)} and {len(labels)}")
    return labels


def _width(facts: ArtifactFacts, output: Any) -> int | None:
    """Return how many numbers the output has in each row; None when the artifact leaves it open."""
    chosen = [tensor for tensor in facts.outputs if output.name in ("", tensor.name)]
    if facts.labels:
        return len(facts.labels)
    if len(chosen) != 1 or chosen[0].dtype == "object" or None in chosen[0].shape:
        return None
    return width_of(chosen[0])
