import json

import pytest

from inference.errors import InvalidInput, InvalidSignature
from inference.preprocessing import read_features
from inference.signature import (
    ClassesOutput,
    Feature,
    ImageInput,
    LabelOutput,
    RawOutput,
    Signature,
    TableInput,
    ValueOutput,
)


def test_table_round_trips_through_json():
    colors = Feature("color", type="category", values=("white", "red"), default="white")
    table = TableInput((Feature("length", unit="cm", min=0, max=30, example=1.4), colors, Feature("age", required=False)))
    signature = Signature(table)
    assert Signature.from_dict(json.loads(json.dumps(signature.to_dict()))) == signature


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"name": ""}, "1 to 10,000 characters"),
        ({"name": "a\0b"}, "without NUL characters"),
        ({"name": "a" * 10_001}, "1 to 10,000 characters"),
        ({"name": "a", "missing": True}, 'Expected missing = "nan", "none", or a text or number in a.'),
        ({"name": "a", "type": "number"}, "the type of a to be one of float, integer"),
        ({"name": "a", "type": "category"}, "values of the category a"),
        ({"name": "a", "type": "category", "values": [1]}, "values of the feature a"),
        ({"name": "a", "type": "category", "values": ["x", "x"]}, "must be unique"),
        ({"name": "a", "min": 2, "max": 1}, "min to be at most max"),
        ({"name": "a", "min": "1"}, "numbers in min and max"),
        ({"name": "a", "min": float("nan")}, "numbers in min and max"),
        ({"name": "a", "type": "text", "min": 1}, "Only numbers can have min and max"),
        ({"name": "a", "default": "x"}, "default of the feature a"),
        ({"name": "a", "max": 1, "example": 2}, "example of the feature a"),
        ({"name": "a", "required": "no"}, "true or false in required"),
        ({"name": "a", "unit": 1}, "Expected strings in unit"),
        ({"name": "a", "maximum": 1}, "Received: ['maximum']"),
        ({}, "Expected name"),
        (5, "list of tables"),
    ],
)
def test_invalid_features_are_rejected(feature, message):
    with pytest.raises(InvalidSignature) as caught:
        Signature.from_dict({"input": {"kind": "tabular", "features": [feature]}})
    assert message in caught.value.message


def test_empty_default_round_trips_through_json():
    table = TableInput((Feature("note", type="category", values=("", "a"), default=""),))
    restored = Signature.from_dict(json.loads(json.dumps(Signature(table).to_dict()))).input
    assert restored == table
    assert read_features({}, restored) == {"note": ""}


def test_sample_values_are_valid_for_every_range():
    for feature in (
        Feature("a", min=-1e308, max=1e308),
        Feature("b", type="integer", min=0.5, max=1.5),
        Feature("c", max=-5),
    ):
        assert feature.read(feature.get_sample_value()) is not None


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([{"name": "a", "type": "integer", "min": 0.2, "max": 0.8}], "whole number from"),
        ([], "1 to 10,000"),
        ([{"name": "a"}] * 2, "Duplicates: a"),
    ],
)
def test_invalid_lists_of_features_are_rejected(features, message):
    with pytest.raises(InvalidSignature, match=message):
        Signature.from_dict({"input": {"kind": "tabular", "features": features}})


def test_display_name_is_the_title_or_the_name_without_underscores():
    assert Feature("petal_length").display_name == "petal length"
    assert Feature("petal_length", title="Length of the petals").display_name == "Length of the petals"


def test_parts_have_the_same_attributes_for_every_kind():
    table = TableInput((Feature("age", unit="years"),))
    signature = Signature(table, ValueOutput(unit="cm"))
    assert (signature.output.unit, signature.output.has_labels) == ("cm", False)
    assert signature.input.features == table.features
    images = Signature(ImageInput(8, 8, 1))
    assert images.input.features == ()
    for output, has_labels, has_scores in (
        (ClassesOutput(), True, True),
        (LabelOutput(), True, False),
        (RawOutput(), False, False),
    ):
        assert (output.unit, output.has_labels, output.has_scores) == ("", has_labels, has_scores)
        assert "unit" not in output.to_dict()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T14:30:00", "2026-03-01T14:30:00"),
        ("2026-03-01 14:30", "2026-03-01T14:30:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01T14:30:00.25Z", "2026-03-01T14:30:00.250000"),
        ("2026-03-01T01:30:00+02:00", "2026-02-28T23:30:00"),
    ],
)
def test_dates_are_converted_to_utc(text, expected):
    assert Feature("day", "datetime").read(text) == expected


@pytest.mark.parametrize(
    "value", ["", "1 March 2026", "2026-13-01", "2026-02-30", 20260301, 1.5, True, [], "0001-01-01T00:00:00+05:00"]
)
def test_other_values_are_not_dates(value):
    with pytest.raises(InvalidInput, match="Expected a date and time such as 2026-03-01T14:30:00Z") as caught:
        Feature("day", "datetime").read(value)
    assert caught.value.code == "wrong-type"


@pytest.mark.parametrize("text", ["1677-12-31", "2262-01-01"])
def test_dates_outside_the_range_of_pandas_are_rejected(text):
    with pytest.raises(InvalidInput, match="The year must be from 1678 to 2261") as caught:
        Feature("day", "datetime").read(text)
    assert caught.value.code == "out-of-range"


def test_default_of_a_date_is_validated_and_converted():
    assert Feature("day", "datetime", default="2026-03-01").default == "2026-03-01T00:00:00"
    with pytest.raises(InvalidSignature, match="default of the feature day"):
        Feature("day", "datetime", default="soon")
    assert Feature("day", "datetime").get_sample_value() == "2000-01-01T00:00:00"
