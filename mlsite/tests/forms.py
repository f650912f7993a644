"""Read forms as browsers do, for tests."""

from __future__ import annotations

from html.parser import HTMLParser

UNSENT_TYPES = {"checkbox", "radio", "submit", "button", "file"}  # unless a check box is checked


class FormParser(HTMLParser):
    """Collect the values that a browser would send for all inputs and select fields of a page, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select, self._options = "", list[tuple[str, bool]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name, value = attributes.get("name") or "", attributes.get("value") or ""
        if tag == "select":
            self._select, self._options = name, []
            self.values.setdefault(name, [])
        elif tag == "option" and self._select:
            self._options.append((value, "selected" in attributes))
        elif tag == "input" and name:
            kind = attributes.get("type")
            is_sent = kind not in UNSENT_TYPES or "checked" in attributes
            self.values.setdefault(name, []).extend([value or ("on" if kind == "checkbox" else "")] if is_sent else [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.values[self._select] = [value for value, is_selected in self._options if is_selected]
            self._select = ""


def read_form(page: bytes) -> dict[str, list[str]]:
    """Return the values of a page, by the name of the field. Select fields without a selected option have no value."""
    parser = FormParser()
    parser.feed(page.decode())
    return parser.values
