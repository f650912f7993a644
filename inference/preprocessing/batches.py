"""Prepare single inputs and collate them to a batch. Each kind of input has its own implementation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from PIL import Image

from inference.preprocessing.arrays import to_array
from inference.preprocessing.features import make_sample_row
from inference.preprocessing.images import get_image_file
from inference.signature import ImageInput, ImageTabularInput, TableInput, TextInput
from inference.types import AnyArray, ImageRow, ImageTable, Row, Table

SAMPLE_SIDE_PIXELS = 64  # of the sample image for a model that takes any size
SAMPLE_TEXT = "example"


@singledispatch
def prepare_input(signature: Any, model_input: Any) -> Any:
    """Return one input as a batch item. Runs in the caller's thread."""
    raise TypeError(f"No preprocessing is defined for {signature!r}")


@singledispatch
def collate_items(signature: Any, items: Sequence[Any]) -> Any:
    """Return the items as one batch."""
    raise TypeError(f"No batch format is defined for {signature!r}")


@singledispatch
def make_sample_input(signature: Any) -> Any:
    """Return a valid input, for the warm-up of a model."""
    raise TypeError(f"No sample input is defined for {signature!r}")


@prepare_input.register
def _(signature: ImageInput, model_input: Image.Image) -> AnyArray:
    if signature.encoding:
        return np.array(get_image_file(model_input), np.object_)
    array = to_array(model_input, signature)
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if signature.layout == "channels-first" else array


@collate_items.register
def _(signature: ImageInput, items: Sequence[AnyArray]) -> AnyArray:
    return np.stack(items)


@make_sample_input.register
def _(signature: ImageInput) -> Image.Image:
    return Image.new("RGB", (signature.width or SAMPLE_SIDE_PIXELS, signature.height or SAMPLE_SIDE_PIXELS))


@prepare_input.register
def _(signature: TableInput, model_input: Row) -> Row:
    return model_input


@collate_items.register
def _(signature: TableInput, items: Sequence[Row]) -> Table:
    return Table.from_rows(signature.features, items)


@make_sample_input.register
def _(signature: TableInput) -> Row:
    return make_sample_row(signature)


@prepare_input.register
def _(signature: TextInput, model_input: str) -> Row:
    return {signature.name: model_input}


@collate_items.register
def _(signature: TextInput, items: Sequence[Row]) -> Table:
    return Table.from_rows((signature.column,), items)


@make_sample_input.register
def _(signature: TextInput) -> str:
    return signature.example or SAMPLE_TEXT[: signature.max_length]


@prepare_input.register
def _(signature: ImageTabularInput, model_input: ImageRow) -> tuple[AnyArray, Row]:
    return prepare_input(signature.image, model_input.image), model_input.row


@collate_items.register
def _(signature: ImageTabularInput, items: Sequence[tuple[AnyArray, Row]]) -> ImageTable:
    images, rows = zip(*items, strict=True)
    return ImageTable(collate_items(signature.image, images), collate_items(signature.table, rows))


@make_sample_input.register
def _(signature: ImageTabularInput) -> ImageRow:
    return ImageRow(make_sample_input(signature.image), make_sample_input(signature.table))
