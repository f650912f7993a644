"""Infer the text input from the artifact and `model.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.infer.messages import describe_inputs
from inference.types import ArtifactMetadata

COLUMN_TYPES = ("text", "")  # of a column that holds a text; empty if the artifact does not define the type


def takes_one_text(metadata: ArtifactMetadata) -> bool:
    """Return whether the only input of an artifact is a string: `(n,)`, `(n, 1)`, or one column of text."""
    if metadata.features:
        return len(metadata.features) == 1 and metadata.features[0].get("type") == "text"
    tensors = metadata.inputs
    return len(tensors) == 1 and tensors[0].dtype == "str" and tensors[0].shape in ((), (1,))


def infer_text_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the text input, with the name of the artifact's input or column.

    Raises:
        InvalidSignature: the artifact does not take one text.
    """
    names = [str(feature["name"]) for feature in metadata.features]
    types = [str(feature.get("type", "")) for feature in metadata.features]
    if metadata.features and not (len(names) == 1 and types[0] in COLUMN_TYPES):
        columns = ", ".join(names)[:500]
        raise InvalidSignature(
            f'Expected a model that takes one text. It takes the features {columns}. Set kind = "tabular" in [input].'
        )
    if metadata.inputs and not metadata.features and not takes_one_text(metadata):
        raise InvalidSignature(f"Expected a model that takes one text. {describe_inputs(metadata.inputs)}")
    names = names or [tensor.name for tensor in metadata.inputs]
    return ({"name": names[0]} if names else {}) | dict(declared_input)
