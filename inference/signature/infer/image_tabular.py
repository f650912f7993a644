"""Infer the input of a model that takes an image and a row of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inference.errors import InvalidSignature
from inference.signature.infer.features import infer_table_input, make_feature
from inference.signature.infer.images import infer_image_input
from inference.signature.infer.messages import format_tensors
from inference.tensors import get_width, split_image_tensor
from inference.types import ArtifactMetadata


def split_metadata(metadata: ArtifactMetadata) -> tuple[ArtifactMetadata, ArtifactMetadata]:
    """Return the metadata as seen by the image and by the row of features.

    Raises:
        InvalidSignature: the artifact does not take one image and at least one other input.
    """
    if not metadata.inputs and not metadata.features:
        return metadata, metadata
    parts = split_image_tensor(metadata.inputs)
    if parts is None:
        received = format_tensors(metadata.inputs) or "features only"
        raise InvalidSignature(
            f"Expected a model that takes one image and at least one input for features. It takes {received}."
        )
    image, others = parts
    features = metadata.features
    if not features and len(others) == 1 and get_width(others[0]) == 1 and None not in others[0].shape:
        features = (make_feature(others[0], others[0].name),)  # not `x0`: the input of one number has a name
    return replace(metadata, inputs=(image,), features=()), replace(metadata, inputs=tuple(others), features=features)


def infer_image_tabular_input(metadata: ArtifactMetadata, declared_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return the image and the features of the artifact, completed and overridden by the declared ones.

    Raises:
        InvalidSignature: the artifact does not take an image and features, or takes others.
    """
    image_metadata, table_metadata = split_metadata(metadata)
    declared_image = {key: value for key, value in declared_input.items() if key != "features"}
    declared_table = {key: value for key, value in declared_input.items() if key == "features"}
    return {
        **infer_image_input(image_metadata, declared_image),
        **infer_table_input(table_metadata, declared_table),
    }
