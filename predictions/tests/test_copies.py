"""The text format of COPY: values that are formatted together are those that are formatted alone."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from predictions.services.copies import _format_column, _format_value

COLUMNS = {
    "flat": [{"scores": {"a": 0.5, "b": 0.5}}, {"scores": {"a": 1.0, "b": 0.0}}],
    "empty": [{}, {}, {}],
    "one": [{"a": 1}],
    "nested at the end": [{"a": {}}, {"a": {"b": {}}}, {"a": [{}]}],
    "separator in a text": [{"a": "}, {"}, {"b": "x"}],
    "separator in a key": [{"}, {": 1}, {"b": 1}],
    "separator in a list": [{"a": [{"b": 1}, {"b": 2}]}, {"a": []}],
    "brackets": [{"a": "}]"}, {"a": "[{"}],
    "escapes": [{"a": 'tab\t quote" backslash\\ newline\n'}, {"a": "\u2028é"}],
    "mixed": [{"a": 1}, None, {"b": 2}],
    "empty lists": [[], []],
    "lists": [[], [{"code": "blank"}], []],
    "plain texts": ["a", "b", ""],
    "texts": ["a", "tab\t", "\\N", ""],
    "numbers": [1, 2.5, True, None],
    "others": [uuid4(), datetime.now(UTC)],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_the_values_of_its_rows(name):
    values = COLUMNS[name]
    assert _format_column(values) == [_format_value(value) for value in values]
