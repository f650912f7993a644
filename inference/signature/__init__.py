"""What goes into a model and what comes out of it: read from the artifact, completed by `model.toml`, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.signature.feature import Feature, in_words
from inference.signature.image import ImageInput
from inference.signature.outputs import ClassesOutput, LabelOutput, RawOutput, ValueOutput
from inference.signature.part import check_choice
from inference.signature.table import TableInput

__all__ = [
    "ClassesOutput", "Feature", "ImageInput", "LabelOutput", "RawOutput", "Signature", "TableInput", "ValueOutput",
    "in_words",
]  # fmt: skip

AnyInput = ImageInput | TableInput
AnyOutput = ClassesOutput | LabelOutput | ValueOutput | RawOutput

INPUTS: dict[str, type[Any]] = {part.kind: part for part in (ImageInput, TableInput)}
OUTPUTS: dict[str, type[Any]] = {part.kind: part for part in (ClassesOutput, LabelOutput, ValueOutput, RawOutput)}


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and what comes out."""

    input: AnyInput
    output: AnyOutput = field(default_factory=ClassesOutput)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """Build from what `to_dict` or a `model.toml` says.

        Raises:
            InvalidSignature: when it contradicts itself or leaves something open.
        """
        return cls(_part(data.get("input", {}), INPUTS), _part(data.get("output", {"kind": "classes"}), OUTPUTS))

    def to_dict(self) -> dict[str, Any]:
        return {"input": self.input.to_dict(), "output": self.output.to_dict()}


def _part(data: Mapping[str, Any], kinds: Mapping[str, type[Any]]) -> Any:
    check_choice("kind", data.get("kind"), tuple(kinds))
    return kinds[data["kind"]].from_dict(data)
