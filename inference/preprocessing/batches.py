"""Prepare single inputs and collate them to a batch. Each kind of input has its own implementation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from PIL import Image

from inference.preprocessing.arrays import to_array
from inference.preprocessing.contrast import find_image_warnings
from inference.preprocessing.features import make_sample_row
from inference.signature import ImageInput, TableInput
from inference.types import Array, PredictionWarning, Row, Table


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


@singledispatch
def find_warnings(signature: Any, model_input: Any, item: Any) -> tuple[PredictionWarning, ...]:
    """Return reasons to doubt the prediction for an input that `prepare_input` has converted to a batch item."""
    return ()


@prepare_input.register
def _(signature: ImageInput, model_input: Image.Image) -> Array:
    array = to_array(model_input, signature)
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if signature.layout == "channels-first" else array


@collate_items.register
def _(signature: ImageInput, items: Sequence[Array]) -> Array:
    return np.stack(items)


@find_warnings.register
def _(signature: ImageInput, model_input: Image.Image, item: Array) -> tuple[PredictionWarning, ...]:
    return find_image_warnings(model_input, item, signature)


@make_sample_input.register
def _(signature: ImageInput) -> Image.Image:
    return Image.new("RGB", (signature.width, signature.height))


@prepare_input.register
def _(signature: TableInput, model_input: Row) -> Row:
    return model_input


@collate_items.register
def _(signature: TableInput, items: Sequence[Row]) -> Table:
    return Table.from_rows(signature.features, items)


@make_sample_input.register
def _(signature: TableInput) -> Row:
    return make_sample_row(signature)
