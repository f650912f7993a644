"""Read the allowed values of columns from the lookup layers of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference.types import Tensor


def find_features(model: Any, inputs: Sequence[Tensor]) -> tuple[Mapping[str, Any], ...]:
    return ()
