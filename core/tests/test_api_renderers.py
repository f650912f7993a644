"""JSON of responses that are built without REST framework."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from rest_framework.renderers import JSONRenderer

from core.api.renderers import render_json


@pytest.mark.parametrize(
    "data",
    [
        {"text": 'é "x" \\ \u2028 \u2029 \x00 🌍', "number": 0.1 + 0.2, "large": 1e300, "whole": 2.0, "none": None},
        [{}, [], True, {"nested": {"list": [1, "a"]}}],
        {"id": UUID(int=7), "moment": datetime(2026, 3, 1, 12, tzinfo=UTC)},
    ],
)
def test_the_bytes_are_those_of_rest_framework(data):
    assert render_json(data) == JSONRenderer().render(data)


def test_numbers_that_json_does_not_know_are_rejected():
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_json({"number": float("nan")})
