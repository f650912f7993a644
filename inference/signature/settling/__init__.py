"""The signature of a model: what its artifact says, completed by what its `model.toml` says, and contradicted by neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.errors import InvalidSignature
from inference.signature import INPUTS, Signature
from inference.signature.part import check_choice
from inference.signature.settling.features import table_of
from inference.signature.settling.images import check_shape, image_of
from inference.signature.settling.outputs import labels_of, output_of
from inference.signature.settling.words import listed
from inference.types import ArtifactFacts


def settle(
    facts: ArtifactFacts, *, given_input: Mapping[str, Any], given_output: Mapping[str, Any], labels: Sequence[str]
) -> tuple[Signature, tuple[str, ...]]:
    """Return the signature and the labels.

    Args:
        given_input, given_output, labels: as `model.toml` says them; what is empty is read from the artifact.

    Raises:
        InvalidSignature: when the two disagree or leave something open.
    """
    kind = given_input.get("kind") or ("tabular" if "features" in given_input else _kind_of(facts))
    check_choice("kind in [input]", kind, tuple(INPUTS))
    is_table = kind == "tabular"
    taken = table_of(facts, given_input) if is_table else image_of(facts, given_input)
    output = output_of(facts, given_output, tuple(labels), is_table=is_table)
    signature = Signature.from_dict({"input": {**taken, "kind": kind}, "output": output})
    if not is_table:
        check_shape(facts, signature.input)
    return signature, labels_of(facts, signature.output, tuple(labels))


def _kind_of(facts: ArtifactFacts) -> str:
    if facts.features:
        return "tabular"
    ranks = [len(tensor.shape) for tensor in facts.inputs]
    if ranks and max(ranks) <= 1:
        return "tabular"
    if len(ranks) > 1 or (ranks and ranks[0] != 3):
        grey = " If it is a grey picture (height, width), say kind = 'image' in [input]." if ranks == [2] else ""
        raise InvalidSignature(
            "Expected a model that takes one image (height, width, channels) or rows of numbers. "
            f"It takes {listed(facts.inputs)}.{grey}"
        )
    return "image"
