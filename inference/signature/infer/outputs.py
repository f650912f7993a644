"""Infer the output and the labels from the artifact and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature
from inference.messages import find_closest
from inference.signature import AnyOutput, LabelOutput
from inference.signature.infer.messages import MANIFEST_NAME
from inference.tensors import get_width
from inference.types import ArtifactMetadata, Tensor


def infer_output(
    metadata: ArtifactMetadata, declared_output: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool
) -> dict[str, Any]:
    """Return the output with the keys of `model.toml`.

    Raises:
        InvalidSignature: the name of the output is unknown, or is missing although there are several outputs.
    """
    output = _check_name(metadata, declared_output)
    if output.get("kind") == metadata.output.get("kind"):  # a declared kind keeps the names of the artifact's outputs
        output = {**metadata.output, **output}
    if "kind" not in output:
        inferred = {"kind": _infer_kind(metadata, output, labels or metadata.labels, is_table=is_table)}
        output = {**(metadata.output or inferred), **output}
    if len(metadata.outputs) > 1 and output["kind"] != "raw" and "name" not in output:
        output["name"] = _infer_name(metadata, output["kind"])
    if (output["kind"] == "label" or output.get("label_name")) and output["kind"] != "labels" and "classes" not in output:
        output["classes"] = list(_infer_classes(metadata, output, labels))
    return output


def infer_labels(metadata: ArtifactMetadata, output: AnyOutput, declared_labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the declared labels, or those of the artifact.

    Raises:
        InvalidSignature: labels are missing or not allowed, or their number does not match the number of outputs.
    """
    if not output.has_labels:
        if declared_labels:
            raise InvalidSignature(
                f"Expected no labels for an output of kind {output.kind!r}. Received: {len(declared_labels)}"
            )
        return ()
    width = _get_class_count(metadata, output) if output.has_scores else len(metadata.labels) or None
    labels = declared_labels or metadata.labels
    if not labels:
        count = f"one for each of {width} outputs" if (width or 0) > 1 else "one for each class"
        raise InvalidSignature(
            f"Expected labels, in {MANIFEST_NAME} or with --labels FILE: {count}. If the model is not a classifier, "
            'set [output] kind = "value" or "raw".'
        )
    if width is not None and width != len(labels) and (width, len(labels)) != (1, 2):
        expected = f"{width} labels, one for each output" if width > 1 else "2 labels for an output of one number"
        raise InvalidSignature(f"Expected {expected}. Received: {len(labels)}")
    if isinstance(output, LabelOutput) and output.classes and len(output.classes) != len(labels):
        raise InvalidSignature(f"Expected as many classes as labels. Received: {len(output.classes)} and {len(labels)}")
    return labels


def _check_name(metadata: ArtifactMetadata, declared_output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declared output after checking its name. Remove the name of a single output, because it is not needed."""
    names = [tensor.name for tensor in metadata.outputs]
    name = declared_output.get("name", "")
    if name and names and name not in names:
        closest = find_closest(str(name), names)
        hint = f"Did you mean {closest!r}?" if closest else f"Its outputs are {', '.join(names)[:500]}."
        raise InvalidSignature(f"The artifact has no output {name!r}. {hint}")
    return {key: value for key, value in declared_output.items() if key != "name" or (value and len(names) != 1)}


def _infer_kind(metadata: ArtifactMetadata, output: Mapping[str, Any], labels: tuple[str, ...], *, is_table: bool) -> str:
    """Return the most likely kind: `classes` if there are labels, `value` if a tabular model returns one number."""
    tensors = _select_tensors(metadata, output.get("name", ""))
    scores = [tensor for tensor in tensors if _can_be_scores(tensor)]
    if labels:
        return "classes" if scores or not tensors else "label"
    if len(tensors) > 1:
        return "raw"
    if tensors and not scores:
        return "label"
    is_one_number = len(tensors) == 1 and get_width(tensors[0]) == 1 and None not in tensors[0].shape
    return "value" if is_table and is_one_number else "classes"


def _select_tensors(metadata: ArtifactMetadata, name: str) -> list[Tensor]:
    return [tensor for tensor in metadata.outputs if name in ("", tensor.name)]


def _can_be_scores(tensor: Tensor) -> bool:
    return tensor.dtype.startswith("float") or tensor.dtype in ("object", "")


def _infer_name(metadata: ArtifactMetadata, kind: str) -> str:
    """Return the name of the only output that can be of this kind."""
    candidates = [tensor for tensor in metadata.outputs if _can_be_scores(tensor) == (kind != "label")]
    if len(candidates) != 1:
        names = ", ".join(tensor.name for tensor in metadata.outputs)
        raise InvalidSignature(
            f'Expected name in [output], because the artifact has several outputs: {names}. Or set kind = "raw" to store '
            "all of them."
        )
    return candidates[0].name


def _infer_classes(metadata: ArtifactMetadata, output: Mapping[str, Any], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the model's own names of the labels; empty if the model returns the labels themselves."""
    dtype = next((tensor.dtype for tensor in _select_tensors(metadata, output.get("name", ""))), "")
    indices = ("False", "True") if dtype == "bool" else tuple(str(index) for index in range(len(labels)))
    classes = metadata.labels or indices
    returns_labels = dtype == "str" and not metadata.labels
    return () if not labels or returns_labels or classes == labels else classes


def _get_class_count(metadata: ArtifactMetadata, output: AnyOutput) -> int | None:
    """Return the number of scores per row, or None if the artifact does not define it."""
    if metadata.labels:
        return len(metadata.labels)
    tensors = _select_tensors(metadata, output.name)
    if len(tensors) != 1 or tensors[0].dtype == "object" or None in tensors[0].shape:
        return None
    return get_width(tensors[0])
