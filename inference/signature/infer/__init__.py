"""Infer the signature of a model from its artifact and its `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from inference.errors import InvalidSignature
from inference.signature import INPUTS, ImageInput, Signature
from inference.signature.base import check_choice
from inference.signature.infer.features import infer_table_input
from inference.signature.infer.images import check_image_shape, check_scale, infer_image_input
from inference.signature.infer.messages import format_tensors
from inference.signature.infer.outputs import infer_output
from inference.signature.infer.samples import SampleOutputs
from inference.types import ArtifactMetadata, BatchFunction


class InferredSignature(NamedTuple):
    """A signature, its labels, and how it was derived: one sentence each, for the person who registers the model."""

    signature: Signature
    labels: tuple[str, ...]
    notices: tuple[str, ...] = ()


def infer_signature(
    metadata: ArtifactMetadata,
    *,
    declared_input: Mapping[str, Any],
    declared_output: Mapping[str, Any],
    labels: Sequence[str],
    run: BatchFunction | None = None,
) -> InferredSignature:
    """Return the signature and the labels of a model.

    Args:
        declared_input, declared_output, labels: from `model.toml`. Missing parts are read from the artifact.
        run: the runtime's function. It shows what the metadata does not tell, such as whether scores are probabilities.

    Raises:
        InvalidSignature: `model.toml` contradicts the artifact, or neither of them defines a required part.
    """
    kind = declared_input.get("kind") or ("tabular" if "features" in declared_input else _infer_input_kind(metadata))
    check_choice("kind in [input]", kind, tuple(INPUTS))
    is_table = kind == "tabular"
    input_data = infer_table_input(metadata, declared_input) if is_table else infer_image_input(metadata, declared_input)
    signature_input = INPUTS[kind].from_dict(input_data)
    if isinstance(signature_input, ImageInput):
        check_image_shape(metadata, signature_input)
    samples = SampleOutputs(run, signature_input)
    output = infer_output(metadata, declared_output, tuple(labels), samples, is_table=is_table)
    signature = Signature.from_dict({"input": {**input_data, "kind": kind}, "output": output.data})
    if isinstance(signature_input, ImageInput):
        check_scale(input_data)  # last, because only the person who trained the model knows the scale
    return InferredSignature(signature, output.labels, output.notices)


def _infer_input_kind(metadata: ArtifactMetadata) -> str:
    if metadata.features:
        return "tabular"
    ranks = [len(tensor.shape) for tensor in metadata.inputs]
    if ranks and max(ranks) <= 1:
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != 3):
        hint = ' If it is a grayscale image (height, width), set kind = "image" in [input].' if ranks == [2] else ""
        raise InvalidSignature(
            "Expected a model that takes one image (height, width, channels) or rows of numbers. "
            f"It takes {format_tensors(metadata.inputs)}.{hint}"
        )
    return "image"
