"""How numbers of the ledger read on a page."""

from __future__ import annotations

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def percent(value: float | None) -> str:
    """Return 0.9642 as `96.4 %`; what is almost certain or almost nothing is not rounded to the end of the scale."""
    if value is None:
        return "–"
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{value * 100:.1f} %"


@register.filter
def milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f} ms"


@register.filter
def pretty_json(value: Any) -> str:
    """Return indented JSON as text; the template escapes it."""
    return json.dumps(value, indent=2, ensure_ascii=False)
