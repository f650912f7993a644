"""Inputs whose right answer is known: a model that answers them otherwise is not the one it is said to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, isfinite
from typing import Any

from inference.errors import InvalidOutput, InvalidSignature
from inference.signature.part import check_keys, plain
from inference.types import Answer

EXPECTATIONS = ("label", "value", "scores", "raw")
TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Example:
    """One input, and what is expected of it.

    Args:
        features: a row by name, for models of tables.
        image: the path of a picture, for models of images.
        label, value, scores, raw: what is expected; what is None is not compared.
        tolerance: how far a number may be off, absolutely or as a share of it.
    """

    features: Mapping[str, Any] | None = None
    image: str = ""
    label: str | None = None
    value: float | None = None
    scores: Mapping[str, float] | None = None
    raw: Any = None
    tolerance: float = TOLERANCE

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Example:
        """Build from JSON or TOML.

        Raises:
            InvalidSignature: when it has no input, two, or a key that is not known.
        """
        check_keys(cls, data, "[[examples]]")
        example = cls(**data)
        numbers = [example.tolerance, *([] if example.value is None else [example.value])]
        if not all(_is_finite(number) for number in numbers) or example.tolerance < 0:
            raise InvalidSignature(
                f"Expected finite numbers in value and tolerance of [[examples]]. Received: {example.value!r} and "
                f"{example.tolerance!r}"
            )
        if not isinstance(example.image, str) or not isinstance(example.scores, Mapping | None):
            raise InvalidSignature(f"Expected a path in image and numbers by label in scores. Received: {dict(data)!r:.200}")
        if (example.features is None) == (not example.image):
            raise InvalidSignature(
                f"Expected either features or image in each of [[examples]]. Received: {dict(data)!r:.200}"
            )
        if example.features is not None and not isinstance(example.features, Mapping):
            raise InvalidSignature(f"Expected features by name in [[examples]]. Received: {example.features!r:.200}")
        return example

    def to_dict(self) -> dict[str, Any]:
        return plain(self)

    def check(self, answer: Answer) -> None:
        """Compare an answer with what is expected.

        Raises:
            InvalidOutput: naming the first difference.
        """
        given = {"label": answer.label, "value": answer.value, **answer.output}
        for name in EXPECTATIONS:
            wanted = getattr(self, name)
            if wanted is not None and not _agree(wanted, given.get(name), self.tolerance):
                within = "" if name == "label" else f" (tolerance {self.tolerance:g})"
                subject = self.image or dict(self.features or {})
                raise InvalidOutput(
                    f"The example {subject!r:.200} expects {name} {wanted!r:.200}{within}. "
                    f"The model answers {given.get(name)!r:.200}"
                )


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _agree(wanted: Any, given: Any, tolerance: float) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(_agree(part, given.get(name), tolerance) for name, part in wanted.items())
    if isinstance(wanted, list | tuple):
        same_length = isinstance(given, list) and len(given) == len(wanted)
        return same_length and all(_agree(ours, theirs, tolerance) for ours, theirs in zip(wanted, given, strict=True))
    if isinstance(wanted, int | float) and isinstance(given, int | float):
        return isclose(wanted, given, rel_tol=tolerance, abs_tol=tolerance)
    return bool(wanted == given)
