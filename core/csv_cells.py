"""Keep spreadsheets from running texts of CSV files as formulas."""

from __future__ import annotations

# Spreadsheets evaluate cells that start with these characters as formulas.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also in full width


def escape_formula(text: str) -> str:
    """Return a text with the prefix `'` if a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_PREFIXES) else text
