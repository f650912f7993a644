"""Rows of features through the API: forty that are wrong, and what is kept of those that are right."""

import hashlib
import json

import pytest

from core.tests.problems import assert_problem
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL

pytestmark = pytest.mark.django_db
GOOD = {"length": 4.5, "petals": 5}
ORDER = ["length", "petals", "colour", "wild"]


def send(api, body):
    text = body if isinstance(body, bytes) else json.dumps(body)
    return api.post(PREDICTIONS_URL, text, content_type="application/json")


def test_a_row_is_answered_and_kept(flowers, api, user):
    response = send(api, {"model": "flowers", "features": {**GOOD, "length": 4}, "client_reference": "row-1"})
    assert response.status_code == 201
    body = response.json()
    assert (body["value"], body["label"], body["confidence"]) == (9.0, None, None)  # 4 + 5 + white 0 + wild 0
    assert body["output"] == {"value": 9.0}
    assert body["input"]["features"] == {"length": 4, "petals": 5, "colour": "white", "wild": False}
    assert (body["input"]["kind"], body["input"]["image_url"], body["input"]["width"]) == ("tabular", None, None)
    canonical = b'{"colour":"white","length":4,"petals":5,"wild":false}'
    assert body["input"]["sha256"] == hashlib.sha256(canonical).hexdigest()
    row = Prediction.objects.select_related("input").get()
    assert (row.value, row.input.user, row.input.size, row.client_reference) == (9.0, user, len(canonical), "row-1")
    assert not row.input.image
    assert api.get(body["url"]).json() == body


def test_a_category_counts_by_its_place_in_the_signature(flowers, api):
    answers = [send(api, {"features": {**GOOD, "colour": colour}}).json()["value"] for colour in ("blue", "white", "red")]
    assert answers == [11.5, 9.5, 10.5]


def test_a_list_in_the_signatures_order_is_a_row(flowers, api):
    body = {"features": [4.5, 5, "red", True], "feature_order": ORDER}
    assert send(api, body).json()["input"]["features"] == {"length": 4.5, "petals": 5, "colour": "red", "wild": True}


# What stands in the body, and what the answer says: the field, the code, a part of the sentence.
BAD = [
    (b'{"features": {"length": 4.5, "petals": 5}', "", "malformed-json", "not valid JSON"),
    (b'{"features": {"length": NaN, "petals": 5}}', "", "malformed-json", "NaN is not JSON"),
    (b'{"features": {"length": 1e999, "petals": 5}}', "", "out-of-range", "too large"),
    (b'{"features": {"length": 4.5, "petals": 5, "colour": "a\\u0000"}}', "", "malformed-json", "NUL"),
    ({"features": {}}, "features.length", "required", "Missing. Expected a number from 0 to 10 cm, such as 4.5."),
    ({"features": None}, "features", "null", "null"),
    ({"features": []}, "feature_order", "required", "length, petals, colour, wild"),
    ({"features": "4.5,5"}, "features", "wrong-type", "an object of features by name"),
    ({"features": 4.5}, "features", "wrong-type", "an object of features by name"),
    ({"features": True}, "features", "wrong-type", "an object of features by name"),
    ({"features": [[4.5, 5]]}, "features", "wrong-type", "Expected one row in each request"),
    ({"features": [4.5, 5], "feature_order": ORDER}, "features", "wrong-count", "Received: 2"),
    ({"features": [4.5, 5, "red", True], "feature_order": ORDER[::-1]}, "feature_order", "wrong-order", "position 1"),
    ({"features": [4.5, 5, "red", True], "feature_order": ORDER[:3]}, "feature_order", "wrong-count", "Received: 3"),
    ({"features": [4.5, 5, "red", True], "feature_order": "length"}, "feature_order", "wrong-type", "list"),
    ({"features": [[4.5], 5, "red", True], "feature_order": ORDER}, "features.length", "wrong-type", "[4.5]"),
    ({"features": {**GOOD, "lenght": 4.5}}, "features.lenght", "unknown-feature", "Did you mean 'length'?"),
    ({"features": {**GOOD, "size": 4.5}}, "features.size", "unknown-feature", "length, petals, colour, wild"),
    ({"features": {**GOOD, "": 4.5}}, "features.", "unknown-feature", "no feature ''"),
    ({"features": {**GOOD, "Length": 4.5}}, "features.Length", "unknown-feature", "Did you mean 'length'?"),
    ({"features": {"length": 4.5}}, "features.petals", "required", "a whole number of at least 0, such as 5"),
    ({"features": {**GOOD, "length": None}}, "features.length", "required", "Missing"),
    ({"features": {**GOOD, "length": "4.5"}}, "features.length", "wrong-type", 'Received: "4.5"'),
    ({"features": {**GOOD, "length": "1_000"}}, "features.length", "wrong-type", 'Received: "1_000"'),
    ({"features": {**GOOD, "length": "٤"}}, "features.length", "wrong-type", "٤"),
    ({"features": {**GOOD, "length": "NaN"}}, "features.length", "wrong-type", "NaN"),
    ({"features": {**GOOD, "length": True}}, "features.length", "wrong-type", "Received: true"),
    ({"features": {**GOOD, "length": [4.5]}}, "features.length", "wrong-type", "Received: [4.5]"),
    ({"features": {**GOOD, "length": {"cm": 4.5}}}, "features.length", "wrong-type", "cm"),
    ({"features": {**GOOD, "length": -0.01}}, "features.length", "out-of-range", "from 0 to 10 cm"),
    ({"features": {**GOOD, "length": 10.01}}, "features.length", "out-of-range", "from 0 to 10 cm"),
    ({"features": {**GOOD, "length": 1e39}}, "features.length", "out-of-range", "float32"),
    ({"features": {**GOOD, "petals": 5.0}}, "features.petals", "wrong-type", "Send 5, without a decimal point"),
    ({"features": {**GOOD, "petals": 5.5}}, "features.petals", "wrong-type", "a whole number"),
    ({"features": {**GOOD, "petals": "5"}}, "features.petals", "wrong-type", 'Received: "5"'),
    ({"features": {**GOOD, "petals": False}}, "features.petals", "wrong-type", "Received: false"),
    ({"features": {**GOOD, "petals": -1}}, "features.petals", "out-of-range", "at least 0"),
    ({"features": {**GOOD, "petals": 2**53}}, "features.petals", "out-of-range", "9,007,199,254,740,991"),
    ({"features": {**GOOD, "petals": 10**300}}, "features.petals", "out-of-range", "9,007,199,254,740,991"),
    ({"features": {**GOOD, "colour": "Red"}}, "features.colour", "not-a-choice", 'Did you mean "red"?'),
    ({"features": {**GOOD, "colour": "green"}}, "features.colour", "not-a-choice", "one of white, red, blue"),
    ({"features": {**GOOD, "colour": 0}}, "features.colour", "wrong-type", "one of white, red, blue"),
    ({"features": {**GOOD, "colour": ["red"]}}, "features.colour", "wrong-type", "one of white, red, blue"),
    ({"features": {**GOOD, "wild": 1}}, "features.wild", "wrong-type", "true or false"),
    ({"features": {**GOOD, "wild": "false"}}, "features.wild", "wrong-type", "true or false"),
    ({"features": GOOD, "feature_order": ORDER}, "feature_order", "wrong-order", "a list of features only"),
    ({"features": GOOD, "feature": GOOD}, "feature", "unknown-field", "There is no field"),
    ({"feature_order": ORDER}, "features", "required", "Expected features, as JSON"),
]


@pytest.mark.parametrize(("body", "field", "code", "says"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_bad_row_is_named_and_stores_nothing(flowers, api, body, field, code, says):
    errors = assert_problem(send(api, body), 400, code if body != {"features": {}} else "invalid-features")
    if field:
        assert errors["errors"][0]["field"] == field
        assert errors["errors"][0]["code"] == code
        assert says in errors["errors"][0]["detail"]
    assert says in errors["detail"]
    assert not Input.objects.exists()


def test_there_are_more_than_forty_bad_rows():
    assert len(BAD) > 40


def test_all_mistakes_of_a_row_come_at_once(flowers, api):
    body = assert_problem(
        send(api, {"features": {"length": "x", "petals": 1.5, "colour": "pink", "hue": 1}}), 400, "invalid-features"
    )
    assert {error["field"]: error["code"] for error in body["errors"]} == {
        "features.hue": "unknown-feature",
        "features.length": "wrong-type",
        "features.petals": "wrong-type",
        "features.colour": "not-a-choice",
    }


@pytest.mark.parametrize("extra", [{}, {"features": GOOD}])
def test_an_image_for_a_table_is_refused(flowers, api, extra):
    from predictions.tests.factories import make_upload

    fields = {name: json.dumps(value) for name, value in extra.items()}
    assert_problem(api.post(PREDICTIONS_URL, {"image": make_upload(), **fields}), 400, "wrong-input")


def test_features_may_come_in_a_form_as_json(flowers, api):
    assert api.post(PREDICTIONS_URL, {"features": json.dumps(GOOD), "model": "flowers"}).status_code == 201


def test_input_and_output_stand_side_by_side(flowers, shades, api, user):
    from predictions.tests.factories import make_prediction

    made = send(api, {"model": "flowers", "features": GOOD}).json()
    make_prediction(user, model="shades")
    listed = api.get(PREDICTIONS_URL, {"model": "flowers", "include": "features"}).json()["results"]
    assert [(row["features"], row["output"]) for row in listed] == [(made["input"]["features"], {"value": 9.5})]
    both = api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"]
    assert [row["features"] is None for row in both] == [True, False]
    assert "features" not in api.get(PREDICTIONS_URL).json()["results"][0]
    assert api.get(made["url"], {"include": "features"}).json()["features"] == made["input"]["features"]
    assert assert_problem(api.get(PREDICTIONS_URL, {"include": "image"}), 400, "unknown-include")


def test_the_list_takes_as_many_queries_for_many_rows(flowers, api, django_assert_num_queries):
    for number in range(5):
        send(api, {"features": {**GOOD, "petals": number}})
    with django_assert_num_queries(3):  # the token with its user; the rows; their reviews
        assert len(api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"]) == 5


def test_strange_texts_are_kept_as_they_are(db, write_rows, api):
    from registry.services import register_model

    register_model(path=write_rows(more='[[input.features]]\nname = "note"\ntype = "text"\n'), promote=True)
    for text in ("<script>alert(1)</script>", "' OR 1=1--", "{{7*7}}", "${jndi:ldap://x}", "=1+1", "\u202eabc", "🙂 ü\n\t"):
        body = send(api, {"features": {**GOOD, "note": text}}).json()
        assert api.get(body["url"]).json()["input"]["features"]["note"] == text


@pytest.mark.parametrize(
    "body",
    [
        {"features": [1] * 10_000, "feature_order": [[]] * 200_000},
        {"features": [1] * 10_000, "feature_order": [{}] * 200_000},
        {f"key{number}": 1 for number in range(60_000)},
        {"features": {f"lengt{number}": 1 for number in range(60_000)}},
        {"features": [1] * 300_000, "feature_order": ["length"] * 4000},
    ],
    ids=["lists", "objects", "keys", "names", "values"],
)
def test_a_body_of_many_mistakes_has_a_short_answer_soon(flowers, api, body):
    import time

    started = time.monotonic()
    answer = send(api, body)
    assert answer.status_code == 400
    assert len(answer.content) < 20_000
    assert time.monotonic() - started < 5


def test_many_misspelt_categories_are_refused_soon(db, write_rows, api):
    import time

    from registry.services import register_model

    values = json.dumps([f"value number {number}" for number in range(300)])
    more = "".join(
        f'[[input.features]]\nname = "c{number}"\ntype = "category"\nvalues = {values}\n' for number in range(300)
    )
    register_model(path=write_rows(more=more), promote=True)
    started = time.monotonic()
    answer = assert_problem(
        send(api, {"features": {**GOOD, **{f"c{n}": "valve number 3" for n in range(300)}}}), 400, "invalid-features"
    )
    assert time.monotonic() - started < 5
    assert len(answer["errors"]) == 300
    assert 'Did you mean "value number 3"?' in answer["errors"][0]["detail"]


def test_a_key_that_stands_twice_is_refused(flowers, api):
    body = assert_problem(send(api, b'{"features": {"length": 4, "length": 5, "petals": 5}}'), 400, "malformed-json")
    assert "'length' stands twice" in body["detail"]


def test_features_come_back_in_the_signatures_order(flowers, api):
    made = send(api, {"features": {"wild": True, "petals": 5, "length": 4.5}}).json()
    listed = api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"][0]
    for row in (made["input"]["features"], listed["input"]["features"], listed["features"]):
        assert list(row) == ORDER


def test_who_names_no_model_is_told_which_one_it_is(flowers, api):
    from predictions.tests.factories import make_upload

    assert (
        "for the model flowers, the default"
        in assert_problem(api.post(PREDICTIONS_URL, {"image": make_upload()}), 400, "wrong-input")["detail"]
    )


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("flower", "Did you mean flowers?"),
        ("flowers:7", "The model flowers has no version 7."),
        ("flowers@staging", "The model flowers has no alias staging."),
        ("roses", "Ask as name, name@alias or name:version."),
    ],
)
def test_a_model_that_is_not_there_says_what_is_missing(flowers, api, model, says):
    assert says in assert_problem(send(api, {"features": GOOD, "model": model}), 404, "unknown-model")["detail"]
