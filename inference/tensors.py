"""From a batch to the named tensors that an artifact takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from inference.signature import Feature
from inference.types import AnyArray, Batch, Table, Tensor

TEXTS = ("category", "text")


def to_tensors(batch: Batch, tensors: Sequence[Tensor]) -> list[AnyArray]:
    """Return one array `(n, *shape)` per tensor, in its dtype.

    A table is cut into as many columns, in order, as each tensor takes. A category that meets a tensor of numbers is the
    position of its value in the signature's list.

    Args:
        tensors: as the artifact names them; images take the first.
    """
    if not isinstance(batch, Table):
        return [_cast(batch, tensors[0].dtype)]
    arrays, start = [], 0
    for tensor in tensors:
        features = batch.features[start : start + width_of(tensor)]
        columns = [column(one, batch.columns[one.name], texts=tensor.dtype == "str") for one in features]
        stacked = np.stack(columns, axis=1) if tensor.shape else columns[0]
        arrays.append(_cast(stacked, tensor.dtype))
        start += len(features)
    return arrays


def width_of(tensor: Tensor) -> int:
    """Return how many features a tensor takes of each row; a free size takes one."""
    return prod(size or 1 for size in tensor.shape)


def column(feature: Feature, values: AnyArray, *, texts: bool) -> AnyArray:
    """Return one column as numbers, or as texts."""
    if feature.type not in TEXTS or texts:
        return values
    codes = {value: position for position, value in enumerate(feature.values)}
    return np.array([np.nan if value is None else codes[value] for value in values], np.float64)


def _cast(array: AnyArray, dtype: str) -> AnyArray:
    if dtype == "str":
        return np.array(["" if value is None else value for value in array.ravel()], np.object_).reshape(array.shape)
    wanted = np.dtype(dtype or "float32")
    if array.dtype.kind == "f" and wanted.kind in "iu":
        array = np.rint(array)
    return array.astype(wanted)
