"""The input of a model that takes an image and a row of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from inference.signature.base import SignaturePart
from inference.signature.feature import Feature
from inference.signature.image import ImageInput
from inference.signature.table import TableInput


@dataclass(frozen=True, slots=True)
class ImageTabularInput(SignaturePart):
    """An image together with a row of features. In JSON and TOML, it has the keys of both."""

    kind: ClassVar[str] = "image-tabular"
    section: ClassVar[str] = "input"
    parts: ClassVar[tuple[str, ...]] = ("image", "features")
    image: ImageInput
    table: TableInput

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        image = {key: value for key, value in data.items() if key != "features"}
        table = {"features": data["features"]} if "features" in data else {}
        return cls(ImageInput.from_dict(image), TableInput.from_dict(table))

    def to_dict(self) -> dict[str, Any]:
        return {**self.image.to_dict(), **self.table.to_dict(), "kind": self.kind}

    @property
    def features(self) -> tuple[Feature, ...]:
        return self.table.features
