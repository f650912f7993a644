"""Infer the signature of a model from its artifact and its `model.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from inference.errors import InvalidSignature
from inference.signature import INPUTS, ImageInput, Signature
from inference.signature.base import check_choice
from inference.signature.infer.features import infer_table_input
from inference.signature.infer.images import check_image_shape, check_scale, infer_image_input
from inference.signature.infer.messages import format_tensors
from inference.signature.infer.outputs import infer_labels, infer_output
from inference.types import ArtifactMetadata

RANK_2_HINT = (
    'If it is a grayscale image (height, width), set kind = "image" in [input]. If it is a sequence (steps, values), set '
    'kind = "tabular": each number is then a feature, step by step.'
)
IMAGE_FILE_NAME = re.compile("bytes|image|img|jpe?g|png|photo|picture", re.IGNORECASE)
"""Names of inputs for the bytes of an image file. TensorFlow Serving requires names that end in `_bytes`."""


def infer_signature(
    metadata: ArtifactMetadata,
    *,
    declared_input: Mapping[str, Any],
    declared_output: Mapping[str, Any],
    labels: Sequence[str],
) -> tuple[Signature, tuple[str, ...]]:
    """Return the signature and the labels of a model.

    Args:
        declared_input, declared_output, labels: from `model.toml`. Missing parts are read from the artifact.

    Raises:
        InvalidSignature: `model.toml` contradicts the artifact, or neither of them defines a required part.
    """
    kind = declared_input.get("kind") or ("tabular" if "features" in declared_input else _infer_input_kind(metadata))
    check_choice("kind in [input]", kind, tuple(INPUTS))
    is_table = kind == "tabular"
    input_data = infer_table_input(metadata, declared_input) if is_table else infer_image_input(metadata, declared_input)
    output_data = infer_output(metadata, declared_output, tuple(labels), is_table=is_table)
    signature = Signature.from_dict({"input": {**input_data, "kind": kind}, "output": output_data})
    if isinstance(signature.input, ImageInput):
        check_image_shape(metadata, signature.input)
    all_labels = infer_labels(metadata, signature.output, tuple(labels))
    if isinstance(signature.input, ImageInput):
        check_scale(input_data)  # last, because only the person who trained the model knows the scale
    return signature, all_labels


def _infer_input_kind(metadata: ArtifactMetadata) -> str:
    if metadata.features:
        return "tabular"
    if metadata.image.get("encoding") and IMAGE_FILE_NAME.search(metadata.inputs[0].name):
        return "image"
    ranks = [len(tensor.shape) for tensor in metadata.inputs]
    is_sequence = ranks == [2] and 1 in metadata.inputs[0].shape
    if is_sequence or (ranks and max(ranks) <= 1):
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != 3):
        hint = f" {RANK_2_HINT}" if ranks == [2] else ""
        raise InvalidSignature(
            "Expected a model that takes one image (height, width, channels) or rows of numbers. "
            f"It takes {format_tensors(metadata.inputs)}.{hint}"
        )
    return "image"
