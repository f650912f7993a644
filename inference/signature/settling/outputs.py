"""What an artifact says of its outputs and labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.feature import nearest
from inference.signature.settling.words import FILE
from inference.tensors import width_of
from inference.types import ArtifactFacts, Tensor

LABELLED = ("classes", "label")


def output_of(facts: ArtifactFacts, given: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool) -> dict[str, Any]:
    """Return what is to be made of the output, as `model.toml` would say it.

    Raises:
        InvalidSignature: when it is not said which of several outputs, or there is none of that name.
    """
    output = _named(facts, given)
    if "kind" not in output:
        guess = {"kind": _guess(facts, output, labels or facts.labels, is_table=is_table)}
        output = {**(facts.output or guess), **output}
    if len(facts.outputs) > 1 and output["kind"] != "raw" and "name" not in output:
        output["name"] = _only_one(facts, output["kind"])
    if output["kind"] == "label" and "classes" not in output:
        output["classes"] = list(_classes(facts, output, labels))
    return output


def labels_of(facts: ArtifactFacts, output: Any, given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels, the given ones or the artifact's own.

    Raises:
        InvalidSignature: when they are missing, not wanted, or not as many as the outputs.
    """
    if output.kind not in LABELLED:
        if given:
            raise InvalidSignature(f"Expected no labels for an output of kind {output.kind!r}. Received: {len(given)}")
        return ()
    width = _width(facts, output) if output.kind == "classes" else len(facts.labels) or None
    labels = given or facts.labels
    if not labels:
        many = f"one for each of {width} outputs" if (width or 0) > 1 else "one for each class"
        raise InvalidSignature(
            f"Expected labels, in {FILE} or by --labels FILE: {many}. If the output is no classes, say so: "
            '[output] kind = "value" or "raw".'
        )
    if width is not None and width != len(labels) and (width, len(labels)) != (1, 2):
        wanted = f"{width} labels, one for each output" if width > 1 else "2 labels for an output of one number"
        raise InvalidSignature(f"Expected {wanted}. Received: {len(labels)}")
    if output.kind == "label" and output.classes and len(output.classes) != len(labels):
        raise InvalidSignature(f"Expected as many classes as labels. Received: {len(output.classes)} and {len(labels)}")
    return labels


def _named(facts: ArtifactFacts, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given, its name checked; the only output needs none, as it is answered without one."""
    names = [tensor.name for tensor in facts.outputs]
    name = given.get("name", "")
    if name and names and name not in names:
        near = nearest(str(name), names)
        hint = f"Did you mean {near!r}?" if near else f"It gives {', '.join(names)[:500]}."
        raise InvalidSignature(f"The artifact gives no output {name!r}. {hint}")
    return {key: value for key, value in given.items() if key != "name" or (value and len(names) != 1)}


def _guess(facts: ArtifactFacts, given: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool) -> str:
    """Return what kind of answer it looks like: scores where there are labels, a value where a row gives one number."""
    chosen = _chosen(facts, given.get("name", ""))
    scores = [tensor for tensor in chosen if _may_be_scores(tensor)]
    if labels:
        return "classes" if scores or not chosen else "label"
    if len(chosen) > 1:
        return "raw"
    if chosen and not scores:
        return "label"
    one_number = len(chosen) == 1 and width_of(chosen[0]) == 1 and None not in chosen[0].shape
    return "value" if is_table and one_number else "classes"


def _chosen(facts: ArtifactFacts, name: str) -> list[Tensor]:
    return [tensor for tensor in facts.outputs if name in ("", tensor.name)]


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


def _classes(facts: ArtifactFacts, output: Mapping[str, Any], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the model itself calls the labels; nothing where it says them as they are."""
    dtype = next((tensor.dtype for tensor in _chosen(facts, output.get("name", ""))), "")
    numbers = ("False", "True") if dtype == "bool" else tuple(str(number) for number in range(len(labels)))
    classes = facts.labels or numbers
    says_labels = dtype == "str" and not facts.labels
    return () if not labels or says_labels or classes == labels else classes


def _width(facts: ArtifactFacts, output: Any) -> int | None:
    """Return how many numbers the output has in each row; None when the artifact leaves it open."""
    if facts.labels:
        return len(facts.labels)
    chosen = _chosen(facts, output.name)
    if len(chosen) != 1 or chosen[0].dtype == "object" or None in chosen[0].shape:
        return None
    return width_of(chosen[0])
