"""Infer the signature of a model from its artifact and its `model.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from inference.errors import InvalidSignature
from inference.signature import INPUTS, Signature, get_image_part
from inference.signature.base import check_choice
from inference.signature.infer.features import infer_table_input
from inference.signature.infer.image_tabular import infer_image_tabular_input, split_metadata
from inference.signature.infer.images import check_image_shape, check_scale, infer_image_input
from inference.signature.infer.messages import MANIFEST_NAME, format_tensors
from inference.signature.infer.outputs import infer_output
from inference.signature.infer.samples import SampleOutputs
from inference.signature.infer.texts import infer_text_input, takes_one_text
from inference.tensors import split_image_tensor
from inference.types import ArtifactMetadata, BatchFunction


class InferredSignature(NamedTuple):
    """A signature, its labels, and how it was derived: one sentence each, for the person who registers the model."""

    signature: Signature
    labels: tuple[str, ...]
    notices: tuple[str, ...] = ()


RANK_2_HINT = 'If it is a grayscale image (height, width), set kind = "image" in [input].'
NUMBERS_HINT = (
    'To send all numbers as features, in the order of the inputs and of their axes, set kind = "tabular" in [input].'
)
IMAGE_FILE_NAME = re.compile("bytes|image|img|jpe?g|png|photo|picture", re.IGNORECASE)
"""Names of inputs for the bytes of an image file. TensorFlow Serving requires names that end in `_bytes`."""

IMAGE_RANK = 3
IMAGE_KINDS = ("image", "image-tabular")
IMAGE_OPTIONS = ("scale", "preset")
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
    run: BatchFunction | None = None,
) -> InferredSignature:
    """Return the signature and the labels of a model.

    Args:
        declared_input, declared_output, labels: from `model.toml`. Missing parts are read from the artifact.
        run: the runtime's function. It shows what the metadata does not show, such as whether scores are probabilities.

    Raises:
        InvalidSignature: `model.toml` contradicts the artifact, or neither of them defines a required part.
    """
    kind = declared_input.get("kind") or _infer_input_kind(metadata, declared_input)
    check_choice("kind in [input]", kind, tuple(INPUTS))
    _check_image_keys(kind, declared_input)
    is_table = kind == "tabular"
    input_data = INPUT_READERS[kind](metadata, declared_input)
    signature_input = INPUTS[kind].from_dict(input_data)
    image = get_image_part(signature_input)
    if image:
        check_image_shape(metadata if kind == "image" else split_metadata(metadata)[0], image)
    samples = SampleOutputs(run, signature_input)
    output = infer_output(metadata, declared_output, tuple(labels), samples, is_table=is_table)
    signature = Signature.from_dict({"input": {**input_data, "kind": kind}, "output": output.data})
    if image:
        check_scale(input_data, declared_input)  # last, because only the person who trained the model knows the scale
    return InferredSignature(signature, output.labels, output.notices)


def _check_image_keys(kind: str, declared_input: Mapping[str, Any]) -> None:
    """Reject the keys that can also be options, if the model takes no image."""
    keys = [key for key in IMAGE_OPTIONS if key in declared_input]
    if keys and kind not in IMAGE_KINDS:
        raise InvalidSignature(
            f"{' and '.join(keys)} in [input], or as an option, only apply to images. The kind of input is {kind}. Remove "
            f"{' and '.join(keys)}."
        )


def _infer_input_kind(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> str:
    """Return the kind of input that the artifact takes."""
    parts = split_image_tensor(metadata.inputs)
    if parts and len(parts[0].shape) == IMAGE_RANK and not metadata.features:
        return "image-tabular"
    if "features" in declared_input:
        return "tabular"
    if metadata.image.get("encoding") and IMAGE_FILE_NAME.search(metadata.inputs[0].name):
        return "image"
    if takes_one_text(metadata):
        return "text"
    if not metadata.inputs and not metadata.features and not declared_input:
        raise InvalidSignature(
            f"Expected [input] in {MANIFEST_NAME}, because the artifact does not define its input. For rows, list "
            'all columns in their order: features = [{ name = "area", type = "float" }]. For images, set height, width, '
            "and scale."
        )
    return "tabular" if metadata.features else _infer_kind_of_numbers(metadata)


def _infer_kind_of_numbers(metadata: ArtifactMetadata) -> str:
    ranks = [len(tensor.shape) for tensor in metadata.inputs]
    is_sequence = ranks == [2] and 1 in metadata.inputs[0].shape
    if is_sequence or (ranks and max(ranks) <= 1):
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != IMAGE_RANK):
        hint = f"{RANK_2_HINT} {NUMBERS_HINT}" if ranks == [2] else NUMBERS_HINT
        raise InvalidSignature(
            "Expected a model that takes one image (height, width, channels), rows of features, one text, or an image and "
            "features. "
            f"It takes {format_tensors(metadata.inputs)}. {hint}"
        )
    return "image"
