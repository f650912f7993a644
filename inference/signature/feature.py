"""One feature of a row and its allowed values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil, floor, isfinite
from typing import Any

from inference.errors import InvalidInput, InvalidSignature
from inference.messages import clean_name, format_names
from inference.signature.base import check_choice
from inference.signature.reference_range import check_reference_range
from inference.signature.values import is_storable, read_value

TYPES = ("float", "integer", "boolean", "category", "text", "datetime")
NUMBER_TYPES = ("float", "integer")
SAMPLE_DATETIME = "2000-01-01T00:00:00"
MAX_NAME_LENGTH = 10_000  # characters
MISSING_NUMBER, MISSING_NONE = "nan", "none"
TYPE_NAMES = {
    "float": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "one of",
    "text": "text",
    "datetime": "a date and time such as 2026-03-01T14:30:00Z",
}


def format_feature_name(name: str, title: str = "") -> str:
    """Return the display name of a feature: its title, or its name without underscores and control characters."""
    return title or clean_name(name).replace("_", " ")


@dataclass(frozen=True, slots=True)
class Feature:
    """One named, typed value of a row.

    Args:
        type: `float`, `integer`, `boolean`, `category` (one of `values`), `text`, or `datetime` (ISO 8601,
            in UTC unless it has an offset).
        unit: the unit of a number, such as `cm`.
        title, description: name and explanation for people.
        min, max: bounds of a number, inclusive.
        values: all allowed values. For a category, the order must be the one the model was trained with.
        required: whether the feature must be sent. An optional feature without a default is missing for the model.
        default: the value that the model receives when the feature is missing.
        example: a value for forms, documentation, and the warm-up of the model.
        missing: what the model receives for a missing value: `nan`, `none` (None), or this text or number. None: NaN, or
            what the artifact defines.
        quartiles: the first quartile, the median, and the third quartile of a number in the training data.
        observed: its smallest and its largest value in the training data. Others are accepted, but unusual.
    """

    name: str
    type: str = "float"
    unit: str = ""
    title: str = ""
    description: str = ""
    min: float | None = None
    max: float | None = None
    values: tuple[Any, ...] = ()
    required: bool = True
    default: Any = None
    example: Any = None
    missing: Any = None
    # Two versions take the same input, even if they were trained with other data.
    quartiles: tuple[float, ...] = field(default=(), compare=False)
    observed: tuple[float, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not 1 <= len(self.name) <= MAX_NAME_LENGTH or not is_storable(self.name):
            hint = "" if self.name else ". Rename the column in the training data, and train the model again."
            raise InvalidSignature(
                f"Expected a name of 1 to {MAX_NAME_LENGTH:,} characters, without NUL characters and unpaired surrogates. "
                f"Received: {self.name!r:.200}{hint}"
            )
        check_choice(f"the type of {clean_name(self.name)}", self.type, TYPES)
        self._check_strings()
        self._check_missing()
        self._check_bounds()
        check_reference_range(self, NUMBER_TYPES)
        self._check_values()
        for name in ("default", "example"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, self._check_own_value(name, getattr(self, name)))
        if self.default is not None:
            object.__setattr__(self, "required", False)

    @property
    def display_name(self) -> str:
        """Return the title, or the name without underscores."""
        return format_feature_name(self.name, self.title)

    def read(self, value: Any, *, hint: bool = True) -> Any:
        """Return a validated value: float, int, bool, or str. A date and time is a string in UTC, `2026-03-01T14:30:00`.

        Args:
            hint: suggest the closest allowed value, which takes time.

        Raises:
            InvalidInput: with the code `wrong-type`, `not-finite`, `out-of-range`, `not-a-choice`, or `too-long`.
        """
        return read_value(self, value, hint=hint)

    def describe(self) -> str:
        """Return a description of the allowed values: `a number from 0 to 10 cm`."""
        if self.values:
            return "one of " + format_names([str(value) for value in self.values])
        unit = f" {self.unit}" if self.unit else ""
        low, high = (None if bound is None else f"{bound:,.10g}" for bound in (self.min, self.max))
        if low and high:
            bounds = f" from {low} to {high}"
        else:
            bounds = f" of at least {low}" if low else f" of at most {high}" if high else " in" if unit else ""
        return TYPE_NAMES[self.type] + bounds + unit

    def get_sample_value(self) -> Any:
        """Return an allowed value: the example, the default, the first value, or the midpoint of the range."""
        if self.example is not None or self.default is not None:
            return self.default if self.example is None else self.example
        if self.values:
            return self.values[0]
        low, high = (bound or 0 for bound in (self.min, self.max))
        middle = low if self.max is None else high if self.min is None else low / 2 + high / 2
        if self.type == "integer" and self.min is None and self.max is not None:
            return floor(high)
        if self.type == "integer":
            return ceil(low) if self.max is None or middle < ceil(low) else int(middle)
        return {"boolean": False, "text": "", "datetime": SAMPLE_DATETIME}.get(self.type, float(middle))

    def _check_strings(self) -> None:
        texts = (self.unit, self.title, self.description)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.required, bool):
            raise InvalidSignature(
                f"Expected strings in unit, title and description of {clean_name(self.name)}, and true or false in required."
            )

    def _check_missing(self) -> None:
        is_number = isinstance(self.missing, int | float) and not isinstance(self.missing, bool) and isfinite(self.missing)
        if not (self.missing is None or is_number or (isinstance(self.missing, str) and is_storable(self.missing))):
            raise InvalidSignature(
                f'Expected missing = "{MISSING_NUMBER}", "{MISSING_NONE}", or a text or number in {clean_name(self.name)}. '
                f"Received: {self.missing!r:.100}"
            )

    def _check_bounds(self) -> None:
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and self.type not in NUMBER_TYPES:
            raise InvalidSignature(f"Only numbers can have min and max. {clean_name(self.name)} is of type {self.type}.")
        for bound in bounds:
            if isinstance(bound, bool) or not isinstance(bound, int | float) or not isfinite(bound):
                raise InvalidSignature(f"Expected numbers in min and max of {clean_name(self.name)}. Received: {bound!r}")
        if bounds != sorted(bounds):
            raise InvalidSignature(
                f"Expected min to be at most max for {clean_name(self.name)}. Received: {self.min} and {self.max}"
            )
        if self.type == "integer" and len(bounds) == 2 and ceil(bounds[0]) > floor(bounds[1]):
            raise InvalidSignature(
                f"Expected a whole number from min to max of {clean_name(self.name)}. Received: {self.min} and {self.max}"
            )

    def _check_values(self) -> None:
        if self.values:
            without_values = self._remove_values()
            for value in self.values:
                without_values._check_own_value("values", value)
        if len(set(self.values)) != len(self.values):
            raise InvalidSignature(f"The values of {clean_name(self.name)} must be unique. Received: {list(self.values)}")
        if self.type == "category" and not self.values:
            raise InvalidSignature(f'Expected the values of the category {clean_name(self.name)}: values = ["a", "b"].')

    def _remove_values(self) -> Feature:
        """Return the feature without its list of values, to validate the list itself."""
        value_type = "text" if self.type == "category" else self.type
        return replace(self, type=value_type, values=(), default=None, example=None, quartiles=(), observed=())

    def _check_own_value(self, name: str, value: Any) -> Any:
        try:
            return self.read(value)
        except InvalidInput as error:
            raise InvalidSignature(f"{name} of the feature {clean_name(self.name)}: {error.message}") from error
