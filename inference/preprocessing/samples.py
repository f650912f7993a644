"""Make varied sample inputs, to compare the results of a model for inputs that run alone and together."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import singledispatch
from math import ceil, floor
from typing import Any

import numpy as np
from PIL import Image

from inference.preprocessing.batches import make_sample_input
from inference.preprocessing.features import make_sample_row
from inference.signature import Feature, ImageInput, TableInput
from inference.types import ModelInput, Row

SEED = 20240229


@singledispatch
def make_sample_inputs(signature: Any, count: int) -> list[ModelInput]:
    """Return up to `count` different valid inputs, the same ones on every call. The first one is the warm-up input."""
    return [make_sample_input(signature)]


@make_sample_inputs.register
def _(signature: ImageInput, count: int) -> list[ModelInput]:
    """Return a black image, then images of noise with increasing brightness."""
    generator = np.random.default_rng(SEED)
    first = make_sample_input(signature)
    shape = (first.height, first.width, 3)
    brightest = [255 * (index + 1) // count for index in range(1, count)]
    noise = [generator.integers(0, high + 1, shape).astype(np.uint8) for high in brightest]
    return [first, *map(Image.fromarray, noise)]


@make_sample_inputs.register
def _(signature: TableInput, count: int) -> list[ModelInput]:
    """Return the sample row, then rows with other values of every feature.

    The values stay within the range, the values, or the order of magnitude of the example of a feature. Every other row
    keeps the text of the sample row, because a model can reject unknown text. In the last row, all features that can be
    missing are missing; in the row before, every second one.
    """
    rows: list[ModelInput] = [make_sample_row(signature)]
    rows += [_make_row(signature, number, last=count - 1) for number in range(1, count)]
    return rows


def _make_row(table: TableInput, number: int, *, last: int) -> Row:
    generator = np.random.default_rng((SEED, number))
    row = {}
    for index, feature in enumerate(table.features):
        can_be_missing = not feature.required and feature.default is None
        is_missing = can_be_missing and (number == last or (number == last - 1 and index % 2 == 0))
        row[feature.name] = None if is_missing else _vary_value(feature, number, index, float(generator.random()))
    return row


def _vary_value(feature: Feature, number: int, index: int, share: float) -> Any:
    """Return a valid value that depends on the number of the row, the index of the feature, and a share from 0 to 1."""
    if feature.values:
        return feature.values[(number + index) % len(feature.values)]
    if feature.type == "boolean":
        return (number + index) % 2 == 1
    if feature.type == "text":
        return _vary_text(str(feature.get_sample_value()), number)
    if feature.type == "datetime":
        moment = datetime.fromisoformat(str(feature.get_sample_value())).replace(tzinfo=None) - timedelta(
            days=number * 37, hours=index
        )
        return moment.isoformat()
    low, high = _get_range(feature)
    if feature.type == "float":
        return low * (1 - share) + high * share
    smallest, largest = ceil(low), max(ceil(low), floor(high))
    return smallest + round(share * (largest - smallest))


def _vary_text(text: str, number: int) -> str:
    words = text.split() or ["text", "of", "a", "sample"]
    shift = number % len(words)
    return text if number % 2 else " ".join([*words[shift:], *words[:shift], words[0]])


def _get_range(feature: Feature) -> tuple[float, float]:
    """Return the bounds of a number. A missing bound is as far from the example or the other bound as that from zero.

    Integers stay positive if they can be, because a negative number is rarely a valid code or count.
    """
    candidates = (feature.example, feature.default, feature.min, feature.max)
    center = next((float(value) for value in candidates if value is not None), 0.0)
    spread = max(abs(center), 3.0)
    lowest = 0.0 if feature.type == "integer" and center >= 0 else center - spread
    low = max(lowest, center - spread) if feature.min is None else feature.min
    return low, center + spread if feature.max is None else feature.max
