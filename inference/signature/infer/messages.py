"""Format tensors for error messages."""

from __future__ import annotations

from collections.abc import Iterable

from inference.types import Tensor

MANIFEST_NAME = "model.toml"


def format_tensors(tensors: Iterable[Tensor]) -> str:
    """Return the names, types, and shapes of tensors: `image float32 [28, 28, 1]; size int64 []`."""
    return "; ".join(f"{tensor.name} {tensor.dtype} {format_shape(tensor.shape)}" for tensor in tensors)


def format_shape(shape: Iterable[int | None]) -> str:
    """Return a shape as text: `[any, any, 3]`."""
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]"
