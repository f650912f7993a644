"""How numbers of the ledger read, on pages and in the admin."""

from __future__ import annotations


def percent(value: float | None) -> str:
    """Return 0.9642 as `96.4 %`; what is almost certain or almost nothing is not rounded to the end of the scale."""
    if value is None:
        return "–"
    if 0.9995 <= value < 1:
        return "> 99.9 %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{value * 100:.1f} %"
