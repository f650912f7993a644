"""How an artifact's tensors are called in messages."""

from __future__ import annotations

from collections.abc import Iterable

from inference.types import Tensor

FILE = "model.toml"


def listed(tensors: Iterable[Tensor]) -> str:
    """Return `image float32 [28, 28, 1]; size int64 []`."""
    return "; ".join(f"{one.name} {one.dtype} {sizes(one.shape)}" for one in tensors)


def sizes(shape: Iterable[int | None]) -> str:
    """Return `[any, any, 3]`."""
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]"
