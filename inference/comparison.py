"""Compare prediction results within a tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import Any

from inference.types import PredictionResult

REPRODUCTION_TOLERANCE = 1e-5
"""How far two results of one model for one input can deviate, absolute or relative: the precision of float32 networks."""


def get_result_fields(result: PredictionResult) -> dict[str, Any]:
    """Return everything about a result that is stored and compared, by name."""
    return {"label": result.label, "value": result.value, **result.output}


def find_differences(expected: Mapping[str, Any], received: Mapping[str, Any], *, tolerance: float) -> list[str]:
    """Return a phrase for each number or text that differs: `scores.rain 0.91 instead of 0.12`.

    Args:
        tolerance: allowed deviation of a number, absolute or relative.
    """
    return list(_iterate_differences("", expected, received, tolerance))


def values_match(expected: Any, received: Any, tolerance: float) -> bool:
    """Return whether numbers are close and other values are equal. Keys that only `received` has are ignored."""
    if isinstance(expected, Mapping):
        return isinstance(received, Mapping) and all(
            values_match(part, received.get(name), tolerance) for name, part in expected.items()
        )
    if _is_list(expected):
        return _have_same_length(expected, received) and all(
            values_match(left, right, tolerance) for left, right in zip(expected, received, strict=True)
        )
    if isinstance(expected, int | float) and isinstance(received, int | float):
        return isclose(expected, received, rel_tol=tolerance, abs_tol=tolerance)
    return bool(expected == received)


def _iterate_differences(name: str, expected: Any, received: Any, tolerance: float) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(received, Mapping):
        for key in [*expected, *(key for key in received if key not in expected)]:
            path = f"{name}.{key}" if name else str(key)
            yield from _iterate_differences(path, expected.get(key), received.get(key), tolerance)
    elif _is_list(expected) and _have_same_length(expected, received):
        for index, (left, right) in enumerate(zip(expected, received, strict=True)):
            yield from _iterate_differences(f"{name}[{index}]", left, right, tolerance)
    elif not values_match(expected, received, tolerance):
        yield f"{name} {received!r:.100} instead of {expected!r:.100}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _have_same_length(expected: Sequence[Any], received: Any) -> bool:
    return _is_list(received) and len(received) == len(expected)
