"""How numbers of the ledger read on a page."""

from __future__ import annotations

import json
from typing import Any

from django import template

from accounts.models import User
from predictions.models import Prediction, Review
from predictions.wording import percent

# From which confidence on, the class of the style sheet, and the words.
SURENESS = (
    (0.95, "sure", "Sure"),
    (0.8, "fairly-sure", "Fairly sure"),
    (0.5, "unsure", "Unsure"),
    (0.0, "guessing", "Guessing"),
)
MAX_PLAIN = 1e15  # from here on a whole number is written with an exponent

register = template.Library()
register.filter(percent)


@register.filter
def sureness(confidence: float) -> str:
    """Return a class of the style sheet, so that a low confidence looks unlike a high one."""
    return _how_sure(confidence)[1]


@register.filter
def sureness_in_words(confidence: float) -> str:
    return _how_sure(confidence)[2]


def _how_sure(confidence: float) -> tuple[float, str, str]:
    return next(one for one in SURENESS if confidence >= one[0])


@register.filter
def share(value: float | None) -> str:
    """Return 0.9642 as `96.4 %`; 1 is 100 % only when nothing is missing."""
    return "not known" if value is None else percent(value)


@register.filter
def figure(value: float | None) -> str:
    """Return a number with four significant digits."""
    return "not known" if value is None else f"{value:,.4g}"


@register.filter
def whole(value: int) -> str:
    return f"{value:,}"


@register.filter
def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms"


@register.filter
def plain_value(value: Any) -> str:
    """Return a feature's value as JSON writes it, a text without its quotes, 4.0 as 4, and what is missing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_PLAIN:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


@register.filter
def feature_line(features: list[tuple[str, Any, str]]) -> str:
    """Return a row in one line: `length 4.5 cm, petals 5`."""
    return ", ".join(
        f"{name} {plain_value(value)} {unit if value is not None else ''}".strip() for name, value, unit in features
    )


@register.filter
def allowed(feature: dict[str, Any]) -> str:
    """Return what values a feature of a signature may have."""
    if values := feature.get("values"):
        return ", ".join(plain_value(value) for value in values)
    low, high = feature.get("min"), feature.get("max")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f"from {low:g}" if low is not None else f"up to {high:g}" if high is not None else "any"


@register.filter
def left_out(feature: dict[str, Any]) -> str:
    """Return what happens when a feature is left out."""
    if "default" in feature:
        return plain_value(feature["default"])
    return "refused" if feature.get("required", True) else "missing"


@register.filter
def opinion_of(prediction: Prediction, person: User) -> Review | None:
    """Return a person's opinion of a prediction that was fetched `with_reviews`; None of one that was just made."""
    return next((one for one in getattr(prediction, "opinions", ()) if one.reviewer_id == person.pk), None)


@register.filter
def pretty_json(value: Any) -> str:
    """Return indented JSON as text; the template escapes it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
