import json
import time

import pytest

from inference.errors import InvalidFeatures, InvalidInput, InvalidSignature
from inference.preprocessing import canonical_json, from_csv_line, from_texts, read_features, stand_in_row
from inference.signature import Feature, Signature, TableInput

TABLE = TableInput(
    (
        Feature("petal_length", unit="cm", min=0, max=30, example=1.4),
        Feature("petals", type="integer", min=0),
        Feature("colour", type="category", values=("white", "red"), default="white"),
        Feature("wild", type="boolean", default=False),
        Feature("note", type="text", required=False),
        Feature("age", required=False),
        Feature("sex", type="integer", values=(1, 2)),
    )
)
GOOD = {"petal_length": 1.5, "petals": 5, "sex": 1}
FULL = {"petal_length": 1.5, "petals": 5, "colour": "white", "wild": False, "note": None, "age": None, "sex": 1}


def test_a_row_is_completed_in_the_signatures_order():
    row = read_features({"sex": 1, "petals": 5, "petal_length": 1.5}, TABLE)
    assert row == FULL
    assert list(row) == TABLE.names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"petal_length": 2}, 2.0),
        ({"petal_length": -0.0}, 0.0),
        ({"petals": 2**53 - 1}, 2**53 - 1),
        ({"colour": "red"}, "red"),
        ({"wild": True}, True),
        ({"note": "<b>ü</b>"}, "<b>ü</b>"),
        ({"note": ""}, ""),
        ({"age": 3.4e38}, 3.4e38),
        ({"colour": None}, "white"),
    ],
)
def test_a_right_value_is_kept_as_its_type(given, kept):
    found = read_features({**GOOD, **given}, TABLE)[next(iter(given))]
    assert (found, type(found)) == (kept, type(kept))


# field, value, code, what the message must say
BAD = [
    ("petal_length", "1.5", "wrong-type", 'a number from 0 to 30 cm, such as 1.4. Received: "1.5"'),
    ("petal_length", "1_000", "wrong-type", 'Received: "1_000"'),
    ("petal_length", "١٢", "wrong-type", "Received"),
    ("petal_length", True, "wrong-type", "Received: true"),
    ("petal_length", [1.5], "wrong-type", "Received: [1.5]"),
    ("petal_length", {"value": 1}, "wrong-type", "Received"),
    ("petal_length", float("nan"), "not-finite", "Received: NaN"),
    ("petal_length", float("inf"), "not-finite", "Received: Infinity"),
    ("petal_length", -0.1, "out-of-range", "from 0 to 30 cm"),
    ("petal_length", 30.1, "out-of-range", "from 0 to 30 cm"),
    ("petal_length", None, "required", "Missing. Expected a number from 0 to 30 cm, such as 1.4."),
    ("age", 1e39, "out-of-range", "float32"),
    ("age", 10**400, "out-of-range", "float32"),
    ("petals", 5.0, "wrong-type", "a whole number of at least 0. Received: 5.0. Send 5, without a decimal point."),
    ("petals", 5.5, "wrong-type", "Received: 5.5."),
    ("petals", "5", "wrong-type", 'Received: "5"'),
    ("petals", False, "wrong-type", "Received: false"),
    ("petals", -1, "out-of-range", "at least 0"),
    ("petals", 2**53, "out-of-range", "9,007,199,254,740,991"),
    ("petals", None, "required", "Missing"),
    ("colour", "Red", "not-a-choice", 'one of white, red. Received: "Red". Did you mean "red"?'),
    ("colour", "purple", "not-a-choice", 'Received: "purple".'),
    ("colour", 1, "wrong-type", "one of white, red. Received: 1"),
    ("colour", "", "not-a-choice", "one of white, red"),
    ("wild", 1, "wrong-type", "true or false. Received: 1"),
    ("wild", "true", "wrong-type", "true or false"),
    ("note", 5, "wrong-type", "a text. Received: 5"),
    ("note", "a\0b", "wrong-type", "without NUL"),
    ("note", "\ud800", "wrong-type", "half characters"),
    ("note", "x" * 10_001, "too-long", "10,000 characters. Received: 10,001"),
    ("sex", 3, "not-a-choice", "one of 1, 2. Received: 3"),
    ("sex", 1.0, "wrong-type", "Send 1, without a decimal point"),
    ("height", 1, "unknown-feature", "There is no feature 'height'"),
    ("x" * 300, 1, "unknown-feature", "There is no feature"),
]


@pytest.mark.parametrize(("name", "value", "code", "says"), BAD, ids=lambda part: str(part)[:30])
def test_a_wrong_value_is_named(name, value, code, says):
    with pytest.raises(InvalidFeatures) as caught:
        read_features({**GOOD, name: value}, TABLE)
    assert [(error.code, error.field) for error in caught.value.errors] == [(code, name[:100])]
    assert says in caught.value.errors[0].message
    assert caught.value.code == code


def test_all_mistakes_are_told_at_once():
    with pytest.raises(InvalidFeatures) as caught:
        read_features({"petal_length": "x", "wild": 2, "heigth": 1}, TABLE)
    assert {error.field: error.code for error in caught.value.errors} == {
        **{"heigth": "unknown-feature", "petal_length": "wrong-type", "petals": "required"},
        **{"wild": "wrong-type", "sex": "required"},
    }
    assert caught.value.code == "invalid-features"


def test_a_misspelt_feature_is_told_once_with_what_was_meant():
    with pytest.raises(InvalidFeatures) as caught:
        read_features({"petal_lenght": 1, "petals": 5, "sex": 1}, TABLE)
    assert [error.message for error in caught.value.errors] == [
        "There is no feature 'petal_lenght'. Did you mean 'petal_length'?"
    ]


def test_a_hundred_thousand_unknown_features_are_refused_quickly_and_shortly():
    started = time.monotonic()
    with pytest.raises(InvalidFeatures) as caught:
        read_features({f"petal_length{number}": 1 for number in range(100_000)}, TABLE)
    assert time.monotonic() - started < 5
    assert len(caught.value.errors) < 20
    assert "99,988 more" in " ".join(error.message for error in caught.value.errors)


@pytest.mark.parametrize(
    ("given", "order", "code"),
    [
        ([1.5, 5, None, None, None, None, 1], TABLE.names, None),
        ([1.5, 5, None, None, None, None, 1], None, "required"),
        ([5, 1.5, None, None, None, None, 1], ["petals", "petal_length", *TABLE.names[2:]], "wrong-order"),
        ([1.5, 5], TABLE.names, "wrong-count"),
        ([1.5, 5, None, None, None, None, 1], TABLE.names[:2], "wrong-count"),
        ([1.5, 5, None, None, None, None, 1], [*TABLE.names, "more"], "wrong-count"),
        ([], [], "wrong-count"),
        (GOOD, TABLE.names, "wrong-order"),
        ("1.5,5", None, "wrong-type"),
        (5, None, "wrong-type"),
        (None, None, "wrong-type"),
    ],
)
def test_a_list_needs_its_order(given, order, code):
    if code is None:
        assert read_features(given, TABLE, order=order) == FULL
        return
    with pytest.raises(InvalidInput) as caught:
        read_features(given, TABLE, order=order)
    assert caught.value.code == code


def test_the_canonical_form_is_the_same_whatever_a_database_made_of_the_numbers():
    row = read_features({**GOOD, "age": 1e300 / 1e270}, TABLE)
    stored = json.loads(json.dumps(row, sort_keys=True).replace("1.5", "1.50").replace("1e+30", "1" + "0" * 30))
    assert canonical_json(row) == canonical_json(stored)
    assert canonical_json({"b": 1, "a": 2.0}) == b'{"a":2,"b":1}'
    assert canonical_json({"a": True}) != canonical_json({"a": 1})


def test_quotes_keep_what_they_hold():
    names = TableInput((Feature("a", type="text"), Feature("b", type="integer")))
    assert from_csv_line('"x;y",3', names) == {"a": "x;y", "b": "3"}
    assert from_csv_line('"one\ntwo";3', names) == {"a": "one\ntwo", "b": "3"}
    assert from_csv_line("\ufeffb,a\n3,x", names) == {"a": "x", "b": "3"}
    with pytest.raises(InvalidInput, match="different names"):
        from_csv_line("a,a\n1,2", names)


@pytest.mark.parametrize(
    "line",
    [
        "1.5,5,,,,,1",
        "1.5;5;;;;;1",
        "1.5\t5\t\t\t\t\t1\n",
        "sex,petals,petal_length\n1,5,1.5",
        '"1.5", "5", "", "", "", "", "1"'.replace(", ", ","),
    ],
)
def test_a_line_of_csv_becomes_a_row(line):
    assert read_features(from_texts(from_csv_line(line, TABLE), TABLE), TABLE) == FULL


@pytest.mark.parametrize(("line", "code"), [("1,2", "wrong-count"), ("", "malformed-csv"), ("a\nb\nc", "malformed-csv")])
def test_a_line_that_does_not_fit_is_named(line, code):
    with pytest.raises(InvalidInput) as caught:
        from_csv_line(line, TABLE)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["1_0", "1,5", "0x10", "nan", "inf", "1e", "--1", "٣", "five", "1 2"])
def test_a_text_that_is_no_number_is_left_for_the_message(text):
    assert from_texts({"petal_length": text}, TABLE) == {"petal_length": text}


def test_texts_become_values_by_their_type():
    texts = {
        "petal_length": " 1e-1 ",
        "petals": "5",
        "wild": "TRUE",
        "colour": "red",
        "note": " x ",
        "age": "",
        "sex": "1.0",
    }
    values = {"petal_length": 0.1, "petals": 5, "wild": True, "colour": "red", "note": " x ", "sex": 1.0}
    assert from_texts(texts, TABLE) == values


def test_a_stand_in_is_always_right():
    row = stand_in_row(TABLE)
    assert read_features(row, TABLE) == row
    assert (row["petal_length"], row["sex"], row["wild"]) == (1.4, 1, False)


def test_a_table_survives_json():
    signature = Signature(TABLE)
    assert Signature.from_dict(json.loads(json.dumps(signature.to_dict()))) == signature


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ({"name": ""}, "1 to 100 printable"),
        ({"name": "a\nb"}, "1 to 100 printable"),
        ({"name": "a", "type": "number"}, "the type of a to be one of float, integer"),
        ({"name": "a", "type": "category"}, "values of the category a"),
        ({"name": "a", "type": "category", "values": [1]}, "values of the feature a"),
        ({"name": "a", "type": "category", "values": ["x", "x"]}, "different values"),
        ({"name": "a", "min": 2, "max": 1}, "min to be at most max"),
        ({"name": "a", "min": "1"}, "numbers in min and max"),
        ({"name": "a", "min": float("nan")}, "numbers in min and max"),
        ({"name": "a", "type": "text", "min": 1}, "of numbers only"),
        ({"name": "a", "default": "x"}, "default of the feature a"),
        ({"name": "a", "max": 1, "example": 2}, "example of the feature a"),
        ({"name": "a", "required": "no"}, "true or false in required"),
        ({"name": "a", "unit": 1}, "Expected texts in unit"),
        ({"name": "a", "maximum": 1}, "Received: ['maximum']"),
        ({}, "Expected name"),
        (5, "list of tables"),
    ],
)
def test_a_wrong_feature_of_a_signature_is_named(feature, says):
    with pytest.raises(InvalidSignature) as caught:
        Signature.from_dict({"input": {"kind": "tabular", "features": [feature]}})
    assert says in caught.value.message


def test_an_empty_default_survives_json():
    table = TableInput((Feature("note", type="category", values=("", "a"), default=""),))
    again = Signature.from_dict(json.loads(json.dumps(Signature(table).to_dict()))).input
    assert again == table
    assert read_features({}, again) == {"note": ""}


def test_the_middle_of_any_range_can_be_tried():
    for feature in (
        Feature("a", min=-1e308, max=1e308),
        Feature("b", type="integer", min=0.5, max=1.5),
        Feature("c", max=-5),
    ):
        assert feature.read(feature.stand_in()) is not None


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([{"name": "a", "type": "integer", "min": 0.2, "max": 0.8}], "whole number from"),
        ([], "1 to 5000"),
        ([{"name": "a"}] * 2, "Received twice: a"),
    ],
)
def test_a_wrong_list_of_features_is_named(features, says):
    with pytest.raises(InvalidSignature, match=says):
        Signature.from_dict({"input": {"kind": "tabular", "features": features}})
