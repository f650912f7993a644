"""From a batch to the named tensors that an artifact takes, and from what it gives to named outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from inference.errors import InvalidArtifact
from inference.signature import Feature
from inference.types import AnyArray, Batch, Output, Run, Table, Tensor

TEXTS = ("category", "text")
Ask = Callable[[list[AnyArray]], list[AnyArray]]
"""Asks an artifact: one array per input in, one array per output out."""


def runner(ask: Ask, inputs: Sequence[Tensor], outputs: Sequence[str]) -> Run:
    """Return the function that runs one batch: cut into tensors, asked, its outputs named unless there is only one.

    Args:
        outputs: their names, in the order in which `ask` gives them.
    """

    def run(batch: Batch) -> Output:
        found = ask(to_tensors(batch, inputs))
        return found[0] if len(found) == 1 else dict(zip(outputs, found, strict=True))

    return run


def one_by_one(run: Run) -> Run:
    """Return a function that runs each row of a batch alone, for what takes a single row at a time."""

    def run_each(batch: Batch) -> Output:
        answers: list[Any] = [run(_row(batch, number)) for number in range(len(batch))]
        if isinstance(answers[0], Mapping):
            return {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
        joined: AnyArray = np.concatenate(answers)
        return joined

    return run_each


def takes_one(name: str, size: Any) -> bool:
    """Return whether an input's first dimension is 1, so that its rows go one by one.

    Args:
        size: of the first dimension; whatever is no whole number is a free one.

    Raises:
        InvalidArtifact: when it is fixed to several.
    """
    if isinstance(size, int) and size > 1:
        raise InvalidArtifact(
            f"Expected a free batch size, or 1. {name} takes {size} rows at once: save the model with a free batch size "
            "(a dynamic axis)."
        )
    return isinstance(size, int) and size == 1


def to_tensors(batch: Batch, tensors: Sequence[Tensor]) -> list[AnyArray]:
    """Return one array `(n, *shape)` per tensor, in its dtype.

    A table is cut into as many columns, in order, as each tensor takes. A category that meets a tensor of numbers is the
    position of its value in the signature's list.

    Args:
        tensors: as the artifact names them; images take the first.
    """
    if not isinstance(batch, Table):
        return [_cast(_laid_out(batch, len(tensors[0].shape)), tensors[0].dtype)]
    arrays, start = [], 0
    for tensor, width in zip(tensors, widths_of(tensors, len(batch.features)), strict=True):
        features = batch.features[start : start + width]
        columns = [column(one, batch.columns[one.name], texts=tensor.dtype == "str") for one in features]
        stacked = np.stack(columns, axis=1) if tensor.shape else columns[0]
        arrays.append(_cast(stacked, tensor.dtype))
        start += width
    return arrays


def width_of(tensor: Tensor) -> int:
    """Return how many features a tensor takes of each row; a free size takes one."""
    return prod(size or 1 for size in tensor.shape)


def bounds_of(dtype: str) -> Mapping[str, float]:
    """Return the min and max of a feature whose numbers must fit this dtype; empty where all of them do."""
    if dtype == "uint64":
        return {"min": 0}
    if dtype.startswith(("int", "uint")) and dtype != "int64":
        return {"min": int(np.iinfo(dtype).min), "max": int(np.iinfo(dtype).max)}
    # A larger number would reach the model as infinity. Larger types hold whatever a feature may be.
    return {"min": -65504.0, "max": 65504.0} if dtype == "float16" else {}


def whole_numbers_of(dtype: str) -> int:
    """Return up to which whole number this dtype holds all of them: a feature's value must reach the model as it is."""
    if dtype.startswith(("int", "uint")):
        return int(np.iinfo(dtype).max)
    return 2 ** (np.finfo(dtype).nmant + 1) if dtype.startswith("float") else 2**53


def column(feature: Feature, values: AnyArray, *, texts: bool) -> AnyArray:
    """Return one column as numbers, or as texts."""
    if feature.type not in TEXTS or texts:
        return values
    codes = {value: position for position, value in enumerate(feature.values)}
    return np.array([np.nan if value is None else codes[value] for value in values], np.float64)


def widths_of(tensors: Sequence[Tensor], count: int) -> list[int]:
    """Return how many of `count` features each tensor takes; one of free size takes what the others leave."""
    widths = [width_of(tensor) for tensor in tensors]
    for number, tensor in enumerate(tensors):
        if None in tensor.shape:
            widths[number] += count - sum(widths)
    return widths


def _laid_out(images: AnyArray, rank: int) -> AnyArray:
    """Return images for a tensor of fewer dimensions: flat, or without their only channel."""
    if rank == 1:
        return images.reshape(len(images), -1)
    return images[..., 0] if rank == 2 else images


def _cast(array: AnyArray, dtype: str) -> AnyArray:
    if dtype == "str":
        return np.array(["" if value is None else value for value in array.ravel()], np.object_).reshape(array.shape)
    wanted = np.dtype(dtype or "float32")
    if array.dtype.kind == "f" and wanted.kind in "iu":
        array = np.rint(array)
    return array.astype(wanted)


def _row(batch: Batch, number: int) -> Batch:
    if not isinstance(batch, Table):
        return batch[number : number + 1]
    return Table(batch.features, {name: values[number : number + 1] for name, values in batch.columns.items()})
