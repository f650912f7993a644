"""Infer the output and the labels from the artifact, its outputs for sample inputs, and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from inference.errors import InvalidSignature
from inference.messages import format_names
from inference.signature import OUTPUTS
from inference.signature.infer.activations import infer_activation
from inference.signature.infer.kinds import can_be_scores, infer_kind_and_name, is_decision, select_tensors
from inference.signature.infer.labels import (
    get_declared_classes,
    is_own_decision,
    make_classes_error,
    match_labels,
    returns_labels,
)
from inference.signature.infer.messages import MANIFEST_NAME
from inference.signature.infer.samples import SampleOutputs
from inference.tensors import get_width
from inference.types import ArtifactMetadata, Tensor

CLASSES_HINT = (
    'If the model returns one number per input, such as a cluster, name the numbers: set kind = "label" and classes in '
    f"[output] of {MANIFEST_NAME}, the number for each label, in the same order. If it returns scores, set "
    'kind = "classes". Otherwise, remove the labels.'
)


class InferredOutput(NamedTuple):
    """The output with the keys of `model.toml`, the labels, and how the output was derived, one sentence each."""

    data: dict[str, Any]
    labels: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def infer_output(
    metadata: ArtifactMetadata,
    declared_output: Mapping[str, Any],
    labels: tuple[str, ...],
    samples: SampleOutputs,
    *,
    is_table: bool,
) -> InferredOutput:
    """Return the output and the labels of a model.

    Raises:
        InvalidSignature: `model.toml` contradicts the artifact, or neither of them defines a required part.
    """
    if not metadata.outputs and "kind" not in metadata.output:
        metadata = replace(metadata, outputs=samples.describe_outputs())
    output, notices = infer_kind_and_name(metadata, declared_output, labels, samples, is_table=is_table)
    kind = output["kind"]
    if not OUTPUTS[kind].has_labels:
        if labels:
            reasons = [notice for notice in metadata.notices if notice.startswith("output: raw")] or [CLASSES_HINT]
            hint = f" {' '.join(reasons)}" if kind == "raw" else ""
            raise InvalidSignature(f"Expected no labels for an output of kind {kind!r}. Received: {len(labels)}.{hint}")
        return InferredOutput(output, (), notices)
    own_classes = metadata.labels or samples.get_classes(output.get("name", ""))
    if OUTPUTS[kind].has_scores:
        width = len(own_classes) or _get_output_width(metadata, output.get("name", ""), samples)
    else:
        width = len(own_classes) or None
    declared_classes = get_declared_classes(output)
    _check_selected_output(metadata, output, width, labels)
    _check_sigmoid_labels(metadata, width, labels or declared_classes or own_classes)
    all_labels, classes = match_labels(labels, own_classes=own_classes, declared_classes=declared_classes, width=width)
    is_named = bool(declared_output.get("name"))
    output = _set_classes(metadata, output, all_labels, classes, samples, is_named=is_named)
    if not OUTPUTS[kind].has_scores:
        return InferredOutput(output, all_labels, notices)
    keys, notice = infer_activation(
        output,
        final=metadata.activation,
        scores=samples.get_numbers(output.get("name", "")),
        width=width,
        has_scores=metadata.output.get("kind") == kind,
    )
    _check_thresholds(output, len(all_labels))
    return InferredOutput({**output, **keys}, all_labels, (*notices, notice) if notice else notices)


def _set_classes(
    metadata: ArtifactMetadata,
    output: dict[str, Any],
    labels: tuple[str, ...],
    classes: tuple[str, ...],
    samples: SampleOutputs,
    *,
    is_named: bool,
) -> dict[str, Any]:
    """Set `classes`, if they differ from the labels, and the name of the output with the model's own decision."""
    output = {key: value for key, value in output.items() if key != "classes"}
    kind = output["kind"]
    if kind == "labels":
        return {**output, **_find_decisions(metadata, output, len(labels))}
    if classes and classes != labels:
        output["classes"] = list(classes)
    if kind == "label":
        name = output.get("name", "")
        dtype = next((tensor.dtype for tensor in select_tensors(metadata, name)), "")
        if not classes and not returns_labels(labels, dtype=dtype, name=name, samples=samples):
            raise make_classes_error(labels, dtype=dtype, name=name, samples=samples)
        return output
    tensor = _find_label_tensor(metadata, output)
    names = {"scores_name": output.get("name", ""), "name": tensor.name if tensor else ""}
    if tensor and (classes or is_own_decision(labels, **names, samples=samples, is_named=is_named)):
        output["label_name"] = tensor.name
    return output


def _find_label_tensor(metadata: ArtifactMetadata, output: Mapping[str, Any]) -> Tensor | None:
    """Return the only output with one label per row next to the scores, unless the decision is declared."""
    if {"label_name", "threshold"} & output.keys():
        return None
    tensors = [tensor for tensor in metadata.outputs if not can_be_scores(tensor) and tensor.shape in ((), (1,))]
    return tensors[0] if len(tensors) == 1 and tensors[0].name != output.get("name") else None


def _find_decisions(metadata: ArtifactMetadata, output: Mapping[str, Any], count: int) -> dict[str, str]:
    """Return the name of the only output with one whole number per label next to the scores."""
    if {"label_name", "thresholds"} & output.keys():
        return {}
    tensors = [tensor for tensor in metadata.outputs if is_decision(tensor) and tensor.shape == (count,)]
    return {"label_name": tensors[0].name} if len(tensors) == 1 else {}


def _check_selected_output(
    metadata: ArtifactMetadata, output: Mapping[str, Any], width: int | None, labels: tuple[str, ...]
) -> None:
    """Reject three or more labels for an output of one number, such as the highest score, if there are other outputs."""
    name = output.get("name", "")
    others = [tensor.name for tensor in metadata.outputs if tensor.name != name]
    if name and others and width == 1 and len(labels) > 2:
        raise InvalidSignature(
            f"The output {name} is one number, which cannot be the scores of {len(labels)} labels. Set name in [output] of "
            f"{MANIFEST_NAME} to another output: {format_names(others)}. If that one is the number of the predicted class, "
            'also set kind = "label".'
        )


def _check_sigmoid_labels(metadata: ArtifactMetadata, width: int | None, labels: tuple[str, ...]) -> None:
    if metadata.activation == "sigmoid" and width == 1 and len(labels) != 2:
        raise InvalidSignature(
            f"Expected two labels, in {MANIFEST_NAME} or with --labels FILE, because the network ends with sigmoid for one "
            "number: the first label for a low number, the second for a high one. If the number is a value, set [output] "
            f'kind = "value". Received: {len(labels) or "none"}'
        )


def _check_thresholds(output: Mapping[str, Any], count: int) -> None:
    if output.get("threshold") is not None and count != 2:
        raise InvalidSignature(
            f"Expected threshold in [output] only for a model with two labels. This model has {count}. For a model with any "
            'number of labels per input, set kind = "labels" and thresholds.'
        )
    thresholds = output.get("thresholds", ())
    if isinstance(thresholds, list | tuple) and len(thresholds) not in (0, 1, count):
        raise InvalidSignature(
            f"Expected {count} thresholds in [output], one for each label, or one for all. Received: {len(thresholds)}"
        )


def _get_output_width(metadata: ArtifactMetadata, name: str, samples: SampleOutputs) -> int | None:
    """Return the number of scores per row, or None if it is unknown."""
    tensors = select_tensors(metadata, name)
    if len(tensors) == 1 and tensors[0].dtype != "object" and None not in tensors[0].shape:
        return get_width(tensors[0])
    numbers = samples.get_numbers(name)
    return None if numbers is None else numbers.shape[1]
