"""The signature of a model: its input and its output. It is read from the artifact and `model.toml` and stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.signature.base import check_choice
from inference.signature.feature import Feature, format_feature_name
from inference.signature.image import ImageInput
from inference.signature.outputs import ClassesOutput, LabelOutput, LabelsOutput, RawOutput, ValueOutput
from inference.signature.table import TableInput

__all__ = [
    "ClassesOutput", "Feature", "ImageInput", "LabelOutput", "LabelsOutput", "RawOutput", "Signature", "TableInput",
    "ValueOutput", "format_feature_name",
]  # fmt: skip

AnyInput = ImageInput | TableInput
AnyOutput = ClassesOutput | LabelsOutput | LabelOutput | ValueOutput | RawOutput

INPUTS: dict[str, type[Any]] = {part.kind: part for part in (ImageInput, TableInput)}
OUTPUTS: dict[str, type[Any]] = {
    part.kind: part for part in (ClassesOutput, LabelsOutput, LabelOutput, ValueOutput, RawOutput)
}


@dataclass(frozen=True, slots=True)
class Signature:
    """The input and output of a model.

    Args:
        single_rows: run the inputs of a batch one by one, because the model cannot run them together, or returns other
            results when it does.

    Every kind of input has `kind` and `features` (empty for images). Every kind of output has `kind`, `name`, `unit`
    (empty unless it is a value with a unit), `has_labels`, and `has_scores`.
    """

    input: AnyInput
    output: AnyOutput = field(default_factory=ClassesOutput)
    single_rows: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """Build a signature from the result of `to_dict` or from a `model.toml`.

        Raises:
            InvalidSignature: it contradicts itself or is incomplete.
        """
        return cls(
            _read_part(data.get("input", {}), INPUTS),
            _read_part(data.get("output", {"kind": "classes"}), OUTPUTS),
            bool(data.get("single_rows", False)),
        )

    def to_dict(self) -> dict[str, Any]:
        single_rows = {"single_rows": True} if self.single_rows else {}
        return {"input": self.input.to_dict(), "output": self.output.to_dict(), **single_rows}

    @property
    def is_tabular(self) -> bool:
        """Return whether the input is a row of features instead of an image."""
        return isinstance(self.input, TableInput)


def _read_part(data: Mapping[str, Any], kinds: Mapping[str, type[Any]]) -> Any:
    check_choice("kind", data.get("kind"), tuple(kinds))
    return kinds[data["kind"]].from_dict(data)
