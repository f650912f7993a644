"""Convert batches to the named tensors of an artifact, and wrap tensor functions as batch functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from inference.errors import InvalidArtifact
from inference.signature import Feature
from inference.types import AnyArray, Batch, BatchFunction, BatchOutput, ImageTable, Table, Tensor

TEXT_TYPES = ("category", "text")
TensorFunction = Callable[[list[AnyArray]], list[AnyArray]]
"""A function that runs an artifact: takes one array per input and returns one array per output."""


def make_batch_function(call: TensorFunction, inputs: Sequence[Tensor], output_names: Sequence[str]) -> BatchFunction:
    """Return a function that converts a batch to tensors, calls the artifact, and names its outputs if there are several.

    Args:
        output_names: in the order in which `call` returns the outputs.
    """

    def run(batch: Batch) -> BatchOutput:
        outputs = call(to_tensors(batch, inputs))
        return outputs[0] if len(outputs) == 1 else dict(zip(output_names, outputs, strict=True))

    return run


@dataclass(frozen=True, slots=True)
class RowByRow:
    """A batch function that runs each row of a batch separately. Runtimes return it for artifacts with a batch size of 1."""

    run: BatchFunction

    def __call__(self, batch: Batch) -> BatchOutput:
        outputs: list[Any] = [self.run(_slice_row(batch, index)) for index in range(len(batch))]
        if isinstance(outputs[0], Mapping):
            return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}
        joined: AnyArray = np.concatenate(outputs)
        return joined


def requires_single_rows(name: str, size: Any) -> bool:
    """Return whether the first dimension of an input is 1, so that each row must be run separately.

    Args:
        size: the size of the first dimension. Any value other than an integer means a variable size.

    Raises:
        InvalidArtifact: the size is fixed and greater than 1.
    """
    if isinstance(size, int) and size > 1:
        raise InvalidArtifact(
            f"The batch size must be variable or 1. {name} has a fixed batch size of {size}: save the model with a "
            "variable batch size (a dynamic axis)."
        )
    return isinstance(size, int) and size == 1


def to_tensors(batch: Batch, tensors: Sequence[Tensor]) -> list[AnyArray]:
    """Return one array `(n, *shape)` per tensor, in its dtype.

    Each tensor receives as many columns of a table, in order, as its width. They are reshaped row by row for a tensor with
    several dimensions. A category that is passed to a numeric tensor is encoded as the index of its value in the signature.

    Args:
        tensors: the inputs of the artifact; images use the first one, or with a table the only one with a higher rank.
    """
    if isinstance(batch, ImageTable):
        return _to_mixed_tensors(batch, tensors)
    if not isinstance(batch, Table):
        return [_cast_array(_reshape_images(batch, len(tensors[0].shape)), tensors[0].dtype)]
    arrays, start = [], 0
    for tensor, width in zip(tensors, get_widths(tensors, len(batch.features)), strict=True):
        features = batch.features[start : start + width]
        columns = [
            encode_column(feature, batch.columns[feature.name], as_text=tensor.dtype == "str") for feature in features
        ]
        stacked = np.stack(columns, axis=1) if tensor.shape else columns[0]
        if len(tensor.shape) > 1:  # a sequence, step by step
            stacked = stacked.reshape(len(stacked), *(-1 if size is None else size for size in tensor.shape))
        arrays.append(_cast_array(stacked, tensor.dtype))
        start += width
    return arrays


def split_image_tensor(tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]] | None:
    """Return the only tensor that can be an image and the other tensors, which take features; None if it is ambiguous."""
    images = [tensor for tensor in tensors if len(tensor.shape) > 1]
    others = [tensor for tensor in tensors if len(tensor.shape) <= 1]
    return (images[0], others) if len(images) == 1 and others else None


def _to_mixed_tensors(batch: ImageTable, tensors: Sequence[Tensor]) -> list[AnyArray]:
    parts = split_image_tensor(tensors)
    if parts is None:
        raise InvalidArtifact("Expected one input for the image and at least one for the features.")
    image, others = parts
    columns = iter(to_tensors(batch.table, others))
    (pixels,) = to_tensors(batch.images, [image])
    return [pixels if tensor is image else next(columns) for tensor in tensors]


def get_width(tensor: Tensor) -> int:
    """Return the number of features per row of a tensor; a variable size counts as 1."""
    return prod(size or 1 for size in tensor.shape)


def get_widths(tensors: Sequence[Tensor], count: int) -> list[int]:
    """Return how many of `count` features each tensor takes; a variable size takes the remaining ones."""
    widths = [get_width(tensor) for tensor in tensors]
    for index, tensor in enumerate(tensors):
        if None in tensor.shape:
            widths[index] += count - sum(widths)  # a multiple of the known sizes
    return widths


def get_dtype_bounds(dtype: str) -> Mapping[str, float]:
    """Return the min and max of a feature with this dtype; empty if the dtype can represent every allowed number."""
    if dtype == "uint64":
        return {"min": 0}
    if dtype.startswith(("int", "uint")) and dtype != "int64":
        return {"min": int(np.iinfo(dtype).min), "max": int(np.iinfo(dtype).max)}
    # A larger number would become infinity. Larger float types can represent every allowed value.
    return {"min": -65504.0, "max": 65504.0} if dtype == "float16" else {}


def get_max_exact_integer(dtype: str) -> int:
    """Return the largest n for which the dtype represents every integer up to n exactly."""
    if dtype.startswith(("int", "uint")):
        return int(np.iinfo(dtype).max)
    return 2 ** (np.finfo(dtype).nmant + 1) if dtype.startswith("float") else 2**53


def encode_column(feature: Feature, values: AnyArray, *, as_text: bool) -> AnyArray:
    """Return a column as numbers, or as strings. Missing categories become NaN."""
    if feature.type not in TEXT_TYPES or as_text:
        return values
    codes = {value: index for index, value in enumerate(feature.values)}
    return np.array([np.nan if value is None else codes[value] for value in values], np.float64)


def _reshape_images(images: AnyArray, rank: int) -> AnyArray:
    """Return images for a tensor with fewer dimensions: flattened, or without their only channel."""
    if rank == 1:
        return images.reshape(len(images), -1)
    return images[..., 0] if rank == 2 else images


def _cast_array(array: AnyArray, dtype: str) -> AnyArray:
    if dtype == "str":
        return np.array(["" if value is None else value for value in array.ravel()], np.object_).reshape(array.shape)
    target = np.dtype(dtype or "float32")
    if array.dtype.kind == "f" and target.kind in "iu":
        array = np.rint(array)
    return array.astype(target)


def _slice_row(batch: Any, index: int) -> Any:
    if isinstance(batch, ImageTable):
        return ImageTable(_slice_row(batch.images, index), _slice_row(batch.table, index))
    if not isinstance(batch, Table):
        return batch[index : index + 1]
    return Table(batch.features, {name: values[index : index + 1] for name, values in batch.columns.items()})
