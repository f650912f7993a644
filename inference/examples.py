"""Example inputs with expected results. Registration and promotion compare them with the predictions of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from inference.comparison import get_result_fields, values_match
from inference.errors import InvalidOutput, InvalidSignature
from inference.signature.base import check_keys, to_plain_dict
from inference.types import PredictionResult

VALID_PARTS = ({"image"}, {"features"}, {"text"}, {"image", "features"})
EXPECTED_FIELDS = ("label", "value", "scores", "raw")
DEFAULT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Example:
    """One input and its expected result.

    Args:
        features: a row of features by name.
        image: the path of an image file.
        text: a text. An example has one of these three, or an image and features.
        label, value, scores, raw: the expected result. None means that the field is not compared.
        tolerance: allowed deviation of a number, absolute or relative.
    """

    features: Mapping[str, Any] | None = None
    image: str = ""
    text: str | None = None
    label: str | None = None
    value: float | None = None
    scores: Mapping[str, float] | None = None
    raw: Any = None
    tolerance: float = DEFAULT_TOLERANCE

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Example:
        """Build an example from JSON or TOML.

        Raises:
            InvalidSignature: the example has no input, two inputs, an unknown key, or an invalid value.
        """
        check_keys(cls, data, "[[examples]]")
        example = cls(**data)
        numbers = [example.tolerance, *([] if example.value is None else [example.value])]
        if not all(_is_finite(number) for number in numbers) or example.tolerance < 0:
            raise InvalidSignature(
                f"Expected finite numbers in value and tolerance of [[examples]]. Received: {example.value!r} and "
                f"{example.tolerance!r}"
            )
        is_text = isinstance(example.image, str) and isinstance(example.text, str | None)
        if not is_text or not isinstance(example.scores, Mapping | None):
            raise InvalidSignature(
                f"Expected a path in image, a string in text, and numbers by label in scores. Received: {dict(data)!r:.200}"
            )
        if example.parts not in VALID_PARTS:
            raise InvalidSignature(
                "Expected features, image, text, or image and features in each [[examples]] table. "
                f"Received: {dict(data)!r:.200}"
            )
        if example.features is not None and not isinstance(example.features, Mapping):
            raise InvalidSignature(f"Expected features by name in [[examples]]. Received: {example.features!r:.200}")
        return example

    @property
    def parts(self) -> set[str]:
        """Return the keys of the input: `image`, `features`, `text`."""
        given = {"image": bool(self.image), "features": self.features is not None, "text": self.text is not None}
        return {name for name, is_given in given.items() if is_given}

    def to_dict(self) -> dict[str, Any]:
        return to_plain_dict(self) | ({} if self.text is None else {"text": self.text})

    def check(self, result: PredictionResult) -> None:
        """Compare a prediction result with the expected one.

        Raises:
            InvalidOutput: with the first difference.
        """
        received = get_result_fields(result)
        for name in EXPECTED_FIELDS:
            expected = getattr(self, name)
            if expected is not None and not values_match(expected, received.get(name), self.tolerance):
                within = "" if name == "label" else f" (tolerance {self.tolerance:g})"
                subject = self.image or self.text or dict(self.features or {})
                raise InvalidOutput(
                    f"The model does not reproduce the example {subject!r:.200}. "
                    f"Expected {name} {expected!r:.200}{within}. Received: {received.get(name)!r:.200}"
                )


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
