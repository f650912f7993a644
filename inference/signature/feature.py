"""One feature of a row, and which values of it are right."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice
from math import ceil, floor, isfinite
from typing import Any

from inference.errors import InvalidInput, InvalidSignature
from inference.signature.part import check_choice

TYPES = ("float", "integer", "boolean", "category", "text")
NUMBERS = ("float", "integer")
MAX_NAME = 100  # characters
MAX_TEXT = 10_000  # characters
MAX_FLOAT = 3.4028234663852886e38  # the largest float32: most models compute in them
MAX_INTEGER = 2**53 - 1  # what JSON carries between languages unharmed (RFC 7493, 2.2)
NOUNS = {
    "float": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "one of",
    "text": "a text",
}
MOST_COMPARED = 200  # values that a misspelt one is compared with
TOO_LARGE = " That is more than the numbers of a model (float32) hold."
SHOWN = 60  # characters of a refused value


def in_words(name: str, title: str = "") -> str:
    """Return what people call a feature: its title, or its name without underscores."""
    return title or name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Feature:
    """One named, typed value of a row.

    Args:
        type: `float`, `integer`, `boolean`, `category` (one of `values`) or `text`.
        unit: of the number: `cm`.
        title, description: what people call it, and what it is, for those who fill in the form.
        min, max: bounds of a number, inclusive.
        values: all that is allowed. Of a category, their order is the one the model was trained with.
        required: may it not be left out? What may be left out and has no default reaches the model as missing (NaN).
        default: what the model is given when it is left out.
        example: a value for the form, the documentation and the model's warm-up.
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

    def __post_init__(self) -> None:
        if (
            not isinstance(self.name, str)
            or not self.name.strip()
            or len(self.name) > MAX_NAME
            or not self.name.isprintable()
        ):
            raise InvalidSignature(f"Expected a name of 1 to {MAX_NAME} printable characters. Received: {self.name!r:.200}")
        check_choice(f"the type of {self.name}", self.type, TYPES)
        self._check_texts()
        self._check_bounds()
        if self.type == "category" and not self.values:
            raise InvalidSignature(f'Expected the values of the category {self.name}: values = ["a", "b"].')
        for name in ("default", "example"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, self._check_own(name, getattr(self, name)))
        if self.default is not None:
            object.__setattr__(self, "required", False)

    def read(self, value: Any, *, hint: bool = True) -> Any:
        """Return a value as the model takes it: float, int, bool or str.

        Args:
            hint: look for the allowed value that was meant, which takes its time.

        Raises:
            InvalidInput: with the code `wrong-type`, `not-finite`, `out-of-range`, `not-a-choice` or `too-long`.
        """
        found = READERS[self.type](self, value)
        if self.values and found not in self.values:
            raise self.refuse("not-a-choice", value, _hint(found, self.values) if hint else "")
        return found

    def expected(self) -> str:
        """Return in words what is allowed: `a number from 0 to 10 cm`."""
        if self.values:
            return "one of " + _shortened([str(value) for value in self.values])
        unit = f" {self.unit}" if self.unit else ""
        low, high = (None if bound is None else f"{bound:,.10g}" for bound in (self.min, self.max))
        if low and high:
            reach = f" from {low} to {high}"
        else:
            reach = f" of at least {low}" if low else f" of at most {high}" if high else " in" if unit else ""
        return NOUNS[self.type] + reach + unit

    def stand_in(self) -> Any:
        """Return a value that is allowed, for trying the model out."""
        if self.example is not None or self.default is not None:
            return self.default if self.example is None else self.example
        if self.values:
            return self.values[0]
        low, high = (bound or 0 for bound in (self.min, self.max))
        middle = low if self.max is None else high if self.min is None else low / 2 + high / 2
        if self.type == "integer":
            return ceil(low) if self.max is None or middle < ceil(low) else int(middle)
        return {"boolean": False, "text": ""}.get(self.type, float(middle))

    def refuse(self, code: str, value: Any, hint: str = "") -> InvalidInput:
        """Return the error that a value deserves: what was expected, what was received."""
        such_as = f", such as {show(self.example)}" if self.example is not None and not self.values else ""
        message = f"Expected {self.expected()}{such_as}. Received: {show(value)}.{hint}"
        return InvalidInput(message, code=code, field=self.name)

    def _check_texts(self) -> None:
        texts = (self.unit, self.title, self.description)
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.required, bool):
            raise InvalidSignature(
                f"Expected texts in unit, title and description of {self.name}, true or false in required."
            )

    def _check_bounds(self) -> None:
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        if bounds and self.type not in NUMBERS:
            raise InvalidSignature(f"Expected min and max of numbers only. Received them for {self.name}, a {self.type}.")
        for bound in bounds:
            if isinstance(bound, bool) or not isinstance(bound, int | float) or not isfinite(bound):
                raise InvalidSignature(f"Expected numbers in min and max of {self.name}. Received: {bound!r}")
        if bounds != sorted(bounds):
            raise InvalidSignature(f"Expected min to be at most max for {self.name}. Received: {self.min} and {self.max}")
        if self.type == "integer" and len(bounds) == 2 and ceil(bounds[0]) > floor(bounds[1]):
            raise InvalidSignature(
                f"Expected a whole number from min to max of {self.name}. Received: {self.min} and {self.max}"
            )
        for value in self.values:
            _without_values(self)._check_own("values", value)
        if len(set(self.values)) != len(self.values):
            raise InvalidSignature(f"Expected different values for {self.name}. Received: {list(self.values)}")

    def _check_own(self, name: str, value: Any) -> Any:
        try:
            return self.read(value)
        except InvalidInput as error:
            raise InvalidSignature(f"{name} of the feature {self.name}: {error.message}") from error


def _without_values(feature: Feature) -> Any:
    """Return the feature without its list of values, to check that list itself; the feature when it has none."""
    if not feature.values:
        return feature
    kind = "text" if feature.type == "category" else feature.type
    return replace(feature, type=kind, values=(), default=None, example=None)


def show(value: Any) -> str:
    """Return a value as the caller wrote it, in JSON, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _shortened(texts: list[str]) -> str:
    return ", ".join(texts) if len(texts) <= 12 else ", ".join(texts[:12]) + f" … ({len(texts)} in all)"


def nearest(text: str, choices: Iterable[Any]) -> Any:
    """Return the choice that is most like a text, small letters like capitals; None when none is much like it."""
    wanted = text[:MAX_NAME].casefold()
    folded = {str(choice).casefold(): choice for choice in choices}
    if wanted in folded:
        return folded[wanted]
    alike = (name for name in folded if name[:1] == wanted[:1] or name[-1:] == wanted[-1:])
    near = get_close_matches(wanted, list(islice(alike, MOST_COMPARED)), 1)
    return folded[near[0]] if near else None


def _hint(value: Any, choices: tuple[Any, ...]) -> str:
    found = nearest(value, choices) if isinstance(value, str) else None
    return "" if found is None else f" Did you mean {show(found)}?"


def _read_float(feature: Feature, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise feature.refuse("wrong-type", value)
    try:
        number = float(value)
    except OverflowError:
        raise feature.refuse("out-of-range", value, TOO_LARGE) from None
    if not isfinite(number):
        raise feature.refuse("not-finite", value)
    if abs(number) > MAX_FLOAT:
        raise feature.refuse("out-of-range", value, TOO_LARGE)
    if _outside(feature, number):
        raise feature.refuse("out-of-range", value)
    return number


def _read_integer(feature: Feature, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        whole = (
            isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER and not _outside(feature, value)
        )
        raise feature.refuse("wrong-type", value, f" Send {int(value)}, without a decimal point." if whole else "")
    if abs(value) > MAX_INTEGER:
        raise feature.refuse("out-of-range", value, f" Whole numbers go to {MAX_INTEGER:,} here.")
    if _outside(feature, value):
        raise feature.refuse("out-of-range", value)
    return int(value)


def _outside(feature: Feature, number: float) -> bool:
    return (feature.min is not None and number < feature.min) or (feature.max is not None and number > feature.max)


def _read_boolean(feature: Feature, value: Any) -> bool:
    if not isinstance(value, bool):
        raise feature.refuse("wrong-type", value)
    return value


def _read_text(feature: Feature, value: Any) -> str:
    if not isinstance(value, str):
        raise feature.refuse("wrong-type", value)
    if len(value) > MAX_TEXT:
        raise InvalidInput(
            f"Expected a text of at most {MAX_TEXT:,} characters. Received: {len(value):,}.",
            code="too-long",
            field=feature.name,
        )
    if "\0" in value or value.encode("utf-8", "ignore").decode() != value:
        raise InvalidInput("Expected a text without NUL and half characters.", code="wrong-type", field=feature.name)
    return value


READERS = {
    "float": _read_float,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "category": _read_text,
    "text": _read_text,
}
