"""One input made ready, and many made one batch, each kind of input in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from PIL import Image

from inference.preprocessing.arrays import to_array
from inference.preprocessing.features import Row, stand_in_row
from inference.signature import ImageInput, TableInput
from inference.types import Array, Table


@singledispatch
def prepare(taken: Any, asked: Any) -> Any:
    """Return one input as an item of a batch; runs in the caller's own thread."""
    raise TypeError(f"No way to prepare an input of {taken!r}")


@singledispatch
def collate(taken: Any, items: Sequence[Any]) -> Any:
    """Return the items as one batch."""
    raise TypeError(f"No way to collate inputs of {taken!r}")


@singledispatch
def stand_in(taken: Any) -> Any:
    """Return an input that the signature allows, for trying a model out."""
    raise TypeError(f"No stand-in for an input of {taken!r}")


@prepare.register
def _(taken: ImageInput, asked: Image.Image) -> Array:
    array = to_array(asked, taken)
    return np.ascontiguousarray(array.transpose(2, 0, 1)) if taken.layout == "channels-first" else array


@collate.register
def _(taken: ImageInput, items: Sequence[Array]) -> Array:
    return np.stack(items)


@stand_in.register
def _(taken: ImageInput) -> Image.Image:
    return Image.new("RGB", (taken.width, taken.height))


@prepare.register
def _(taken: TableInput, asked: Row) -> Row:
    return asked


@collate.register
def _(taken: TableInput, items: Sequence[Row]) -> Table:
    return Table.of(taken.features, items)


@stand_in.register
def _(taken: TableInput) -> Row:
    return stand_in_row(taken)
