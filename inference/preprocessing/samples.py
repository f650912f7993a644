"""Random inputs, to see what a model returns for different inputs before it is used."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from PIL import Image

from inference.numbers import MAX_FLOAT
from inference.preprocessing.batches import make_sample_input
from inference.preprocessing.features import make_sample_row
from inference.signature import Feature, ImageInput, TableInput
from inference.types import Row

MAX_RANDOM_INTEGER = 100  # largest distance of a random integer from the sample value


@singledispatch
def make_random_input(signature: Any, rng: np.random.Generator) -> Any:
    """Return a random valid input. The default is the sample input of the warm-up."""
    return make_sample_input(signature)


@make_random_input.register
def _(signature: ImageInput, rng: np.random.Generator) -> Image.Image:
    """Return noise of a random brightness and contrast."""
    low, high = sorted(rng.integers(0, 256, 2))
    return Image.fromarray(rng.integers(low, high + 1, (signature.height, signature.width, 3), dtype=np.uint8))


@make_random_input.register
def _(signature: TableInput, rng: np.random.Generator) -> Row:
    row = make_sample_row(signature)
    return {feature.name: _vary_value(feature, row[feature.name], rng) for feature in signature.features}


def _vary_value(feature: Feature, value: Any, rng: np.random.Generator) -> Any:
    if feature.values:
        return feature.values[rng.integers(len(feature.values))]
    if feature.type == "boolean":
        return bool(rng.integers(2))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    low = -MAX_FLOAT if feature.min is None else feature.min
    high = MAX_FLOAT if feature.max is None else feature.max
    if feature.type == "integer":
        start, stop = max(low, value - MAX_RANDOM_INTEGER), min(high, value + MAX_RANDOM_INTEGER)
        return int(rng.integers(int(start), int(stop) + 1))
    return float(np.clip(value + rng.normal() * max(abs(value), 1.0), low, high))
