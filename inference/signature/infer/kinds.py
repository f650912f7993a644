"""Infer the kind of output, and which output of the artifact it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.errors import InvalidSignature
from inference.messages import find_closest
from inference.postprocessing import format_class
from inference.signature import OUTPUTS
from inference.signature.base import check_choice
from inference.signature.infer.samples import SampleOutputs
from inference.tensors import get_width
from inference.types import ArtifactMetadata, Tensor

MIN_DECISION_WIDTH = 3  # with two numbers, the indices of a TopK node look like decisions 0 and 1


def infer_kind_and_name(
    metadata: ArtifactMetadata,
    declared_output: Mapping[str, Any],
    labels: tuple[str, ...],
    samples: SampleOutputs,
    *,
    is_table: bool,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the declared output with its kind and name, and notices."""
    output, notices = _check_name(metadata, declared_output), list[str]()
    kind = output.get("kind") or metadata.output.get("kind")
    if kind is None:
        kind = _infer_kind(metadata, output, labels or metadata.labels, samples, is_table=is_table)
        if kind == "labels" and "thresholds" not in output:
            notices.append(
                f"kind: labels (multi-label), because each of the {len(labels or metadata.labels)} labels has its own "
                'decision. If each input has exactly one label, set kind = "classes" in [output].'
            )
    check_choice("kind", kind, tuple(OUTPUTS))
    completed = _complete_output(metadata, output, kind, labels)
    is_chosen = completed.get("name", "") not in ("", output.get("name"), metadata.output.get("name"))
    if is_chosen and OUTPUTS[kind].has_scores and len([tensor for tensor in metadata.outputs if can_be_scores(tensor)]) > 1:
        notices.append(f"output: {completed['name']}, because only this output has one number per label.")
    return completed, tuple(notices)


def _complete_output(
    metadata: ArtifactMetadata, output: dict[str, Any], kind: str, labels: tuple[str, ...]
) -> dict[str, Any]:
    """Return the declared output with its kind, and with the name and the own decision of the artifact."""
    own_output = dict(metadata.output)
    if kind == own_output.get("kind"):
        if "threshold" in output or "thresholds" in output:  # overrides the model's own decision
            own_output.pop("label_name", None)
        output = own_output | output
    elif kind == "label" and "label_name" in own_output and "name" not in output:
        output["name"] = own_output["label_name"]
    output["kind"] = kind
    if kind == "labels" and "threshold" in output:
        output["thresholds"] = [output.pop("threshold")]
    if len(metadata.outputs) == 1:  # the runtime returns a single output without its name
        output.pop("name", None)
    elif kind != "raw" and "name" not in output and metadata.outputs and not _has_output_per_class(metadata, output, labels):
        output["name"] = _infer_name(metadata, kind, len(labels or metadata.labels))
    return output


def _has_output_per_class(metadata: ArtifactMetadata, output: Mapping[str, Any], labels: tuple[str, ...]) -> bool:
    """Return whether each output is the score of one class, as the columns of a data frame of probabilities."""
    names = {tensor.name for tensor in metadata.outputs if can_be_scores(tensor) and tensor.shape == ()}
    classes = {format_class(name) for name in output.get("classes") or labels}
    return output["kind"] == "classes" and len(names) == len(metadata.outputs) and names == classes


def _check_name(metadata: ArtifactMetadata, declared_output: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declared output after checking its name. Remove the name of a single output, because it is not needed."""
    names = [tensor.name for tensor in metadata.outputs]
    name = declared_output.get("name", "")
    if name and names and name not in names:
        closest = find_closest(str(name), names)
        hint = f"Did you mean {closest!r}?" if closest else f"Its outputs are {', '.join(names)[:500]}."
        raise InvalidSignature(f"The artifact has no output {name!r}. {hint}")
    return {key: value for key, value in declared_output.items() if key != "name" or (value and len(names) != 1)}


def _infer_kind(
    metadata: ArtifactMetadata,
    output: Mapping[str, Any],
    labels: tuple[str, ...],
    samples: SampleOutputs,
    *,
    is_table: bool,
) -> str:
    """Return the only kind that fits the outputs and labels, or the most likely one of `value`, `classes`, and `raw`."""
    name = output.get("name", "")
    tensors = select_tensors(metadata, name)
    scores = [tensor for tensor in tensors if can_be_scores(tensor)]
    if "thresholds" in output:
        return "labels"
    if labels and scores and "threshold" not in output and _is_multi_label(metadata, tensors, scores, len(labels), samples):
        return "labels"
    scores_name = scores[0].name if len(scores) == 1 and len(metadata.outputs) > 1 else name
    has_classes = len(scores) == 1 and scores[0].dtype == "object" and bool(samples.get_classes(scores_name))
    if labels or has_classes:
        is_text = not tensors and samples.are_texts(name)
        has_own_label = bool(labels) and find_text_label(tensors) is not None
        return "classes" if (scores and not has_own_label) or not (tensors or is_text) else "label"
    if len(tensors) > 1:
        return "raw"
    if tensors and not scores:
        return "label"
    is_one_number = len(tensors) == 1 and get_width(tensors[0]) == 1 and None not in tensors[0].shape
    return "value" if is_table and is_one_number and metadata.activation != "sigmoid" else "classes"


def _is_multi_label(
    metadata: ArtifactMetadata, tensors: list[Tensor], scores: list[Tensor], count: int, samples: SampleOutputs
) -> bool:
    """Return whether the model decides on each label: its network ends with sigmoid, or it returns 0 or 1 per label."""
    if metadata.activation == "sigmoid":
        return len(scores) == 1 and scores[0].shape not in ((), (1,))
    decisions = [tensor for tensor in tensors if is_decision(tensor) and tensor.shape == (count,)]
    if len(decisions) != 1 or count < MIN_DECISION_WIDTH:
        return False
    numbers = samples.get_numbers(decisions[0].name)
    return numbers is not None and bool(np.isin(numbers, (0, 1)).all())


def find_text_label(tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the text next to a single number, as in the label and score of a pipeline of Hugging Face; None for others.

    The number is the score of this label, not that of the second one of two labels.
    """
    texts = [tensor for tensor in tensors if tensor.dtype == "str" and tensor.shape in ((), (1,))]
    others = [tensor for tensor in tensors if tensor not in texts]
    is_number = len(others) == 1 and others[0].dtype.startswith("float") and others[0].shape in ((), (1,))
    return texts[0] if len(texts) == 1 and is_number else None


def is_decision(tensor: Tensor) -> bool:
    return tensor.dtype == "bool" or tensor.dtype.startswith(("int", "uint"))


def select_tensors(metadata: ArtifactMetadata, name: str) -> list[Tensor]:
    return [tensor for tensor in metadata.outputs if name in ("", tensor.name)]


def can_be_scores(tensor: Tensor) -> bool:
    return tensor.dtype.startswith("float") or tensor.dtype in ("object", "")


def _infer_name(metadata: ArtifactMetadata, kind: str, label_count: int) -> str:
    """Return the name of the only output that can be of this kind, or else of the only one with a score per label."""
    candidates = [tensor for tensor in metadata.outputs if can_be_scores(tensor) == (kind != "label")]
    if len(candidates) > 1 and OUTPUTS[kind].has_scores and label_count > 1:
        candidates = [tensor for tensor in candidates if tensor.shape == (label_count,)] or candidates
    if len(candidates) != 1:
        names = ", ".join(tensor.name for tensor in metadata.outputs)
        raise InvalidSignature(
            f'Expected name in [output], because the artifact has several outputs: {names}. Or set kind = "raw" to store '
            "all of them."
        )
    return candidates[0].name
