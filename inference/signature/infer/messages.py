"""Format tensors for error messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inference.types import Tensor

MANIFEST_NAME = "model.toml"
TOKEN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
TOKENS_HINT = (
    "The model takes tokens instead of text. To send texts, save it with its tokenizer in a class of your own: "
    "docs/texts.md, Models that take tokens"
)


def format_tensors(tensors: Iterable[Tensor]) -> str:
    """Return the names, types, and shapes of tensors: `image float32 [28, 28, 1]; size int64 []`."""
    return "; ".join(f"{tensor.name} {tensor.dtype} {format_shape(tensor.shape)}" for tensor in tensors)


def format_shape(shape: Iterable[int | None]) -> str:
    """Return a shape as text: `[any, any, 3]`."""
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]"


def describe_inputs(inputs: Sequence[Tensor]) -> str:
    """Return the sentences that name the inputs of an artifact, with the step that helps if they are tokens."""
    hint = f" {TOKENS_HINT}." if {tensor.name for tensor in inputs} & TOKEN_INPUTS else ""
    return f"It takes {format_tensors(inputs)}.{hint}"
