"""The signature of a model: its input and its output. It is read from the artifact and `model.toml` and stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference.signature.base import check_choice
from inference.signature.feature import Feature, format_feature_name
from inference.signature.image import ImageInput
from inference.signature.image_tabular import ImageTabularInput
from inference.signature.outputs import ClassesOutput, LabelOutput, LabelsOutput, RawOutput, ValueOutput
from inference.signature.table import TableInput
from inference.signature.text import TEXT_KEY, TextInput

__all__ = [
    "TEXT_KEY", "AnyInput", "AnyOutput", "ClassesOutput", "Feature", "ImageInput", "ImageTabularInput", "LabelOutput",
    "LabelsOutput", "RawOutput", "Signature", "TableInput", "TextInput", "ValueOutput", "format_feature_name",
    "get_image_part", "get_table_part",
]  # fmt: skip

AnyInput = ImageInput | TableInput | TextInput | ImageTabularInput
AnyOutput = ClassesOutput | LabelsOutput | LabelOutput | ValueOutput | RawOutput

INPUTS: dict[str, type[Any]] = {part.kind: part for part in (ImageInput, TableInput, TextInput, ImageTabularInput)}
OUTPUTS: dict[str, type[Any]] = {
    part.kind: part for part in (ClassesOutput, LabelsOutput, LabelOutput, ValueOutput, RawOutput)
}


@dataclass(frozen=True, slots=True)
class Signature:
    """The input and output of a model.

    Args:
        single_rows: run the inputs of a batch one by one, because the model cannot run them together, or returns other
            results when it does.

    Every kind of input has `kind`, `parts` (the keys of a request: `image`, `features`, `text`), and `features` (empty for
    images). Every kind of output has `kind`, `name`, `unit`
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


def get_table_part(signature_input: AnyInput) -> TableInput | None:
    """Return the row of features that an input consists of or contains; None if it has none."""
    if isinstance(signature_input, ImageTabularInput):
        return signature_input.table
    return signature_input if isinstance(signature_input, TableInput) else None


def get_image_part(signature_input: AnyInput) -> ImageInput | None:
    """Return the image that an input consists of or contains; None if it has none."""
    if isinstance(signature_input, ImageTabularInput):
        return signature_input.image
    return signature_input if isinstance(signature_input, ImageInput) else None


def _read_part(data: Mapping[str, Any], kinds: Mapping[str, type[Any]]) -> Any:
    check_choice("kind", data.get("kind"), tuple(kinds))
    return kinds[data["kind"]].from_dict(data)
