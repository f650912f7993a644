import json
import time

import pytest

from inference.errors import InvalidFeatures, InvalidInput
from inference.messages import MAX_SHOWN_NAME_LENGTH
from inference.preprocessing import make_sample_row, parse_strings, read_features, to_canonical_json
from inference.signature import Feature, TableInput

TABLE = TableInput(
    (
        Feature("petal_length", unit="cm", min=0, max=30, example=1.4),
        Feature("petals", type="integer", min=0),
        Feature("color", type="category", values=("white", "red"), default="white"),
        Feature("wild", type="boolean", default=False),
        Feature("note", type="text", required=False),
        Feature("age", required=False),
        Feature("sex", type="integer", values=(1, 2)),
    )
)
REQUIRED = {"petal_length": 1.5, "petals": 5, "sex": 1}
COMPLETE = {"petal_length": 1.5, "petals": 5, "color": "white", "wild": False, "note": None, "age": None, "sex": 1}


def test_row_is_completed_in_the_order_of_the_signature():
    row = read_features({"sex": 1, "petals": 5, "petal_length": 1.5}, TABLE)
    assert row == COMPLETE
    assert list(row) == TABLE.names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"petal_length": 2}, 2.0),
        ({"petal_length": -0.0}, 0.0),
        ({"petals": 2**53 - 1}, 2**53 - 1),
        ({"color": "red"}, "red"),
        ({"wild": True}, True),
        ({"note": "<b>ü</b>"}, "<b>ü</b>"),
        ({"note": ""}, ""),
        ({"age": 3.4e38}, 3.4e38),
        ({"color": None}, "white"),
    ],
)
def test_valid_values_keep_their_type(values, expected):
    value = read_features({**REQUIRED, **values}, TABLE)[next(iter(values))]
    assert (value, type(value)) == (expected, type(expected))


# name, value, code, part of the message
INVALID_VALUES = [
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
    ("color", "Red", "not-a-choice", 'one of white, red. Received: "Red". Did you mean "red"?'),
    ("color", "purple", "not-a-choice", 'Received: "purple".'),
    ("color", 1, "wrong-type", "one of white, red. Received: 1"),
    ("color", "", "not-a-choice", "one of white, red"),
    ("wild", 1, "wrong-type", "true or false. Received: 1"),
    ("wild", "true", "wrong-type", "true or false"),
    ("note", 5, "wrong-type", "Expected text. Received: 5"),
    ("note", "a\0b", "wrong-type", "without NUL characters"),
    ("note", "\ud800", "wrong-type", "unpaired surrogates"),
    ("note", "x" * 10_001, "too-long", "10,000 characters. Received: 10,001"),
    ("sex", 3, "not-a-choice", "one of 1, 2. Received: 3"),
    ("sex", 1.0, "wrong-type", "Send 1, without a decimal point"),
    ("height", 1, "unknown-feature", "There is no feature 'height'"),
    ("x" * 300, 1, "unknown-feature", "There is no feature"),
]


@pytest.mark.parametrize(("name", "value", "code", "message"), INVALID_VALUES, ids=lambda part: str(part)[:30])
def test_invalid_values_are_rejected(name, value, code, message):
    with pytest.raises(InvalidFeatures) as caught:
        read_features({**REQUIRED, name: value}, TABLE)
    assert [(error.code, error.field) for error in caught.value.errors] == [(code, name[:MAX_SHOWN_NAME_LENGTH])]
    assert message in caught.value.errors[0].message
    assert caught.value.code == code


def test_all_errors_are_reported_together():
    with pytest.raises(InvalidFeatures) as caught:
        read_features({"petal_length": "x", "wild": 2, "heigth": 1}, TABLE)
    assert {error.field: error.code for error in caught.value.errors} == {
        **{"heigth": "unknown-feature", "petal_length": "wrong-type", "petals": "required"},
        **{"wild": "wrong-type", "sex": "required"},
    }
    assert caught.value.code == "invalid-features"


def test_misspelled_feature_is_reported_once_with_a_suggestion():
    with pytest.raises(InvalidFeatures) as caught:
        read_features({"petal_lenght": 1, "petals": 5, "sex": 1}, TABLE)
    assert [error.message for error in caught.value.errors] == [
        "There is no feature 'petal_lenght'. Did you mean 'petal_length'?"
    ]


def test_many_unknown_features_are_rejected_quickly_with_a_short_message():
    started = time.monotonic()
    with pytest.raises(InvalidFeatures) as caught:
        read_features({f"petal_length{number}": 1 for number in range(100_000)}, TABLE)
    assert time.monotonic() - started < 5
    assert len(caught.value.errors) < 20
    assert "99,988 more" in " ".join(error.message for error in caught.value.errors)


@pytest.mark.parametrize(
    ("data", "order", "code"),
    [
        ([1.5, 5, None, None, None, None, 1], TABLE.names, None),
        ([1.5, 5, None, None, None, None, 1], None, "required"),
        ([5, 1.5, None, None, None, None, 1], ["petals", "petal_length", *TABLE.names[2:]], "wrong-order"),
        ([1.5, 5], TABLE.names, "wrong-count"),
        ([1.5, 5, None, None, None, None, 1], TABLE.names[:2], "wrong-count"),
        ([1.5, 5, None, None, None, None, 1], [*TABLE.names, "more"], "wrong-count"),
        ([], [], "wrong-count"),
        (REQUIRED, TABLE.names, "wrong-order"),
        ("1.5,5", None, "wrong-type"),
        (5, None, "wrong-type"),
        (None, None, "wrong-type"),
    ],
)
def test_list_of_features_requires_the_right_order(data, order, code):
    if code is None:
        assert read_features(data, TABLE, order=order) == COMPLETE
        return
    with pytest.raises(InvalidInput) as caught:
        read_features(data, TABLE, order=order)
    assert caught.value.code == code


def test_canonical_json_does_not_depend_on_the_number_format_of_the_database():
    row = read_features({**REQUIRED, "age": 1e300 / 1e270}, TABLE)
    stored = json.loads(json.dumps(row, sort_keys=True).replace("1.5", "1.50").replace("1e+30", "1" + "0" * 30))
    assert to_canonical_json(row) == to_canonical_json(stored)
    assert to_canonical_json({"b": 1, "a": 2.0}) == b'{"a":2,"b":1}'
    assert to_canonical_json({"a": True}) != to_canonical_json({"a": 1})


@pytest.mark.parametrize("text", ["1_0", "1,5", "0x10", "nan", "inf", "1e", "--1", "٣", "five", "1 2"])
def test_strings_that_are_not_numbers_stay_strings(text):
    assert parse_strings({"petal_length": text}, TABLE) == {"petal_length": text}


def test_strings_are_parsed_by_feature_type():
    strings = {
        "petal_length": " 1e-1 ",
        "petals": "5",
        "wild": "TRUE",
        "color": "red",
        "note": " x ",
        "age": "",
        "sex": "1.0",
    }
    values = {"petal_length": 0.1, "petals": 5, "wild": True, "color": "red", "note": " x ", "sex": 1.0}
    assert parse_strings(strings, TABLE) == values


@pytest.mark.parametrize(
    ("texts", "value"),
    [(["true", "True", "TRUE", "t", "Yes", "1", "1.0", " 1 "], True), (["false", "F", "no", "0", "0.0"], False)],
)
def test_booleans_are_parsed_as_programs_write_them(texts, value):
    assert [parse_strings({"wild": text}, TABLE) for text in texts] == [{"wild": value}] * len(texts)


@pytest.mark.parametrize("text", ["2", "-1", "0.5", "10", "ja", "on"])
def test_other_texts_are_no_booleans(text):
    with pytest.raises(InvalidFeatures):
        read_features(COMPLETE | parse_strings({"wild": text}, TABLE), TABLE)


def test_sample_row_is_valid():
    row = make_sample_row(TABLE)
    assert read_features(row, TABLE) == row
    assert (row["petal_length"], row["sex"], row["wild"]) == (1.4, 1, False)
