"""Infer the signature of a model from its artifact and its `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.errors import InvalidSignature
from inference.signature import INPUTS, Signature, get_image_part
from inference.signature.base import check_choice
from inference.signature.infer.features import infer_table_input
from inference.signature.infer.image_tabular import infer_image_tabular_input, split_metadata
from inference.signature.infer.images import check_image_shape, infer_image_input
from inference.signature.infer.messages import format_tensors
from inference.signature.infer.outputs import infer_labels, infer_output
from inference.signature.infer.texts import infer_text_input, takes_one_text
from inference.tensors import split_image_tensor
from inference.types import ArtifactMetadata

IMAGE_RANK = 3
INPUT_READERS = {
    "image": infer_image_input,
    "tabular": infer_table_input,
    "text": infer_text_input,
    "image-tabular": infer_image_tabular_input,
}


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
    kind = declared_input.get("kind") or _infer_input_kind(metadata, has_features="features" in declared_input)
    check_choice("kind in [input]", kind, tuple(INPUTS))
    is_table = kind == "tabular"
    input_data = INPUT_READERS[kind](metadata, declared_input)
    output_data = infer_output(metadata, declared_output, tuple(labels), is_table=is_table)
    signature = Signature.from_dict({"input": {**input_data, "kind": kind}, "output": output_data})
    if image := get_image_part(signature.input):
        check_image_shape(metadata if kind == "image" else split_metadata(metadata)[0], image)
    return signature, infer_labels(metadata, signature.output, tuple(labels))


def _infer_input_kind(metadata: ArtifactMetadata, *, has_features: bool) -> str:
    """Return the kind of input that the artifact takes.

    Args:
        has_features: `model.toml` lists features.
    """
    parts = split_image_tensor(metadata.inputs)
    if parts and len(parts[0].shape) == IMAGE_RANK and not metadata.features:
        return "image-tabular"
    if has_features:
        return "tabular"
    if takes_one_text(metadata):
        return "text"
    if metadata.features:
        return "tabular"
    ranks = [len(tensor.shape) for tensor in metadata.inputs]
    if ranks and max(ranks) <= 1:
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != IMAGE_RANK):
        hint = ' If it is a grayscale image (height, width), set kind = "image" in [input].' if ranks == [2] else ""
        raise InvalidSignature(
            "Expected a model that takes one image (height, width, channels), rows of features, one text, or an image and "
            "features. "
            f"It takes {format_tensors(metadata.inputs)}.{hint}"
        )
    return "image"
