"""Rows of features in the API."""

import hashlib
import json
import time

import pytest

from core.tests.problems import assert_problem
from predictions.models import Input, Prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction, make_upload
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
VALID_FEATURES = {"length": 4.5, "petals": 5}
ORDER = ["length", "petals", "colour", "wild"]


def post_json(api, body):
    text = body if isinstance(body, bytes) else json.dumps(body)
    return api.post(PREDICTIONS_URL, text, content_type="application/json")


def test_predicting_a_row_returns_the_stored_prediction(flowers, api, user):
    response = post_json(api, {"model": "flowers", "features": {**VALID_FEATURES, "length": 4}, "client_reference": "row-1"})
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


def test_a_category_is_encoded_by_its_position_in_the_signature(flowers, api):
    values = [
        post_json(api, {"features": {**VALID_FEATURES, "colour": colour}}).json()["value"]
        for colour in ("blue", "white", "red")
    ]
    assert values == [11.5, 9.5, 10.5]


def test_a_list_of_values_in_the_order_of_the_signature_is_accepted(flowers, api):
    body = {"features": [4.5, 5, "red", True], "feature_order": ORDER}
    assert post_json(api, body).json()["input"]["features"] == {"length": 4.5, "petals": 5, "colour": "red", "wild": True}


# The body, and the field, the code and a part of the message of the first error.
INVALID_BODIES = [
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
    ({"features": [[4.5, 5]]}, "features", "wrong-type", "Expected one row per request"),
    ({"features": [4.5, 5], "feature_order": ORDER}, "features", "wrong-count", "Received: 2"),
    ({"features": [4.5, 5, "red", True], "feature_order": ORDER[::-1]}, "feature_order", "wrong-order", "position 1"),
    ({"features": [4.5, 5, "red", True], "feature_order": ORDER[:3]}, "feature_order", "wrong-count", "Received: 3"),
    ({"features": [4.5, 5, "red", True], "feature_order": "length"}, "feature_order", "wrong-type", "list"),
    ({"features": [[4.5], 5, "red", True], "feature_order": ORDER}, "features.length", "wrong-type", "[4.5]"),
    ({"features": {**VALID_FEATURES, "lenght": 4.5}}, "features.lenght", "unknown-feature", "Did you mean 'length'?"),
    ({"features": {**VALID_FEATURES, "size": 4.5}}, "features.size", "unknown-feature", "length, petals, colour, wild"),
    ({"features": {**VALID_FEATURES, "": 4.5}}, "features.", "unknown-feature", "no feature ''"),
    ({"features": {**VALID_FEATURES, "Length": 4.5}}, "features.Length", "unknown-feature", "Did you mean 'length'?"),
    ({"features": {"length": 4.5}}, "features.petals", "required", "a whole number of at least 0, such as 5"),
    ({"features": {**VALID_FEATURES, "length": None}}, "features.length", "required", "Missing"),
    ({"features": {**VALID_FEATURES, "length": "4.5"}}, "features.length", "wrong-type", 'Received: "4.5"'),
    ({"features": {**VALID_FEATURES, "length": "1_000"}}, "features.length", "wrong-type", 'Received: "1_000"'),
    ({"features": {**VALID_FEATURES, "length": "٤"}}, "features.length", "wrong-type", "٤"),
    ({"features": {**VALID_FEATURES, "length": "NaN"}}, "features.length", "wrong-type", "NaN"),
    ({"features": {**VALID_FEATURES, "length": True}}, "features.length", "wrong-type", "Received: true"),
    ({"features": {**VALID_FEATURES, "length": [4.5]}}, "features.length", "wrong-type", "Received: [4.5]"),
    ({"features": {**VALID_FEATURES, "length": {"cm": 4.5}}}, "features.length", "wrong-type", "cm"),
    ({"features": {**VALID_FEATURES, "length": -0.01}}, "features.length", "out-of-range", "from 0 to 10 cm"),
    ({"features": {**VALID_FEATURES, "length": 10.01}}, "features.length", "out-of-range", "from 0 to 10 cm"),
    ({"features": {**VALID_FEATURES, "length": 1e39}}, "features.length", "out-of-range", "float32"),
    ({"features": {**VALID_FEATURES, "petals": 5.0}}, "features.petals", "wrong-type", "Send 5, without a decimal point"),
    ({"features": {**VALID_FEATURES, "petals": 5.5}}, "features.petals", "wrong-type", "a whole number"),
    ({"features": {**VALID_FEATURES, "petals": "5"}}, "features.petals", "wrong-type", 'Received: "5"'),
    ({"features": {**VALID_FEATURES, "petals": False}}, "features.petals", "wrong-type", "Received: false"),
    ({"features": {**VALID_FEATURES, "petals": -1}}, "features.petals", "out-of-range", "at least 0"),
    ({"features": {**VALID_FEATURES, "petals": 2**53}}, "features.petals", "out-of-range", "9,007,199,254,740,991"),
    ({"features": {**VALID_FEATURES, "petals": 10**300}}, "features.petals", "out-of-range", "9,007,199,254,740,991"),
    ({"features": {**VALID_FEATURES, "colour": "Red"}}, "features.colour", "not-a-choice", 'Did you mean "red"?'),
    ({"features": {**VALID_FEATURES, "colour": "green"}}, "features.colour", "not-a-choice", "one of white, red, blue"),
    ({"features": {**VALID_FEATURES, "colour": 0}}, "features.colour", "wrong-type", "one of white, red, blue"),
    ({"features": {**VALID_FEATURES, "colour": ["red"]}}, "features.colour", "wrong-type", "one of white, red, blue"),
    ({"features": {**VALID_FEATURES, "wild": 1}}, "features.wild", "wrong-type", "true or false"),
    ({"features": {**VALID_FEATURES, "wild": "false"}}, "features.wild", "wrong-type", "true or false"),
    (
        {"features": VALID_FEATURES, "feature_order": ORDER},
        "feature_order",
        "wrong-order",
        "Send feature_order only together with a list of features",
    ),
    ({"features": VALID_FEATURES, "feature": VALID_FEATURES}, "feature", "unknown-field", "There is no field"),
    ({"feature_order": ORDER}, "features", "required", "takes features, sent as JSON"),
]


@pytest.mark.parametrize(("body", "field", "code", "text"), INVALID_BODIES, ids=[str(n) for n in range(len(INVALID_BODIES))])
def test_invalid_rows_are_rejected_and_nothing_is_stored(flowers, api, body, field, code, text):
    problem = assert_problem(post_json(api, body), 400, code if body != {"features": {}} else "invalid-features")
    if field:
        assert problem["errors"][0]["field"] == field
        assert problem["errors"][0]["code"] == code
        assert text in problem["errors"][0]["detail"]
    assert text in problem["detail"]
    assert not Input.objects.exists()


def test_more_than_forty_invalid_rows_are_tested():
    assert len(INVALID_BODIES) > 40


def test_all_errors_of_a_row_are_reported_together(flowers, api):
    body = assert_problem(
        post_json(api, {"features": {"length": "x", "petals": 1.5, "colour": "pink", "hue": 1}}), 400, "invalid-features"
    )
    assert {error["field"]: error["code"] for error in body["errors"]} == {
        "features.hue": "unknown-feature",
        "features.length": "wrong-type",
        "features.petals": "wrong-type",
        "features.colour": "not-a-choice",
    }


@pytest.mark.parametrize("extra", [{}, {"features": VALID_FEATURES}])
def test_an_image_for_a_tabular_model_is_rejected(flowers, api, extra):
    fields = {name: json.dumps(value) for name, value in extra.items()}
    assert_problem(api.post(PREDICTIONS_URL, {"image": make_upload(), **fields}), 400, "wrong-input")


def test_features_can_be_sent_as_json_in_a_form_field(flowers, api):
    assert api.post(PREDICTIONS_URL, {"features": json.dumps(VALID_FEATURES), "model": "flowers"}).status_code == 201


def test_include_adds_the_features_next_to_the_output(flowers, shades, api, user):
    created = post_json(api, {"model": "flowers", "features": VALID_FEATURES}).json()
    make_prediction(user, model="shades")
    listed = api.get(PREDICTIONS_URL, {"model": "flowers", "include": "features"}).json()["results"]
    assert [(row["features"], row["output"]) for row in listed] == [(created["input"]["features"], {"value": 9.5})]
    both = api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"]
    assert [row["features"] is None for row in both] == [True, False]
    assert "features" not in api.get(PREDICTIONS_URL).json()["results"][0]
    assert api.get(created["url"], {"include": "features"}).json()["features"] == created["input"]["features"]
    assert assert_problem(api.get(PREDICTIONS_URL, {"include": "image"}), 400, "unknown-include")


def test_the_number_of_queries_of_the_list_does_not_depend_on_the_number_of_rows(flowers, api, django_assert_num_queries):
    for number in range(5):
        post_json(api, {"features": {**VALID_FEATURES, "petals": number}})
    with django_assert_num_queries(5):  # the token with its user, the permissions, the rows, their reviews, their tags
        assert len(api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"]) == 5


def test_text_is_stored_unchanged(db, write_rows, api):
    register_model(path=write_rows(more='[[input.features]]\nname = "note"\ntype = "text"\n'), promote=True)
    for text in ("<script>alert(1)</script>", "' OR 1=1--", "{{7*7}}", "${jndi:ldap://x}", "=1+1", "\u202eabc", "🙂 ü\n\t"):
        body = post_json(api, {"features": {**VALID_FEATURES, "note": text}}).json()
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
def test_a_body_with_many_errors_gets_a_short_response_quickly(flowers, api, body):
    started = time.thread_time()
    response = post_json(api, body)
    assert response.status_code == 400
    assert len(response.content) < 20_000
    assert time.thread_time() - started < 5


def test_many_misspelled_categories_are_rejected_quickly(db, write_rows, api):
    values = json.dumps([f"value number {number}" for number in range(300)])
    names = [f"c{number}" for number in range(300)]
    categories = [f'[[input.features]]\nname = "{name}"\ntype = "category"\nvalues = {values}\n' for name in names]
    register_model(path=write_rows(more="".join(categories)), promote=True)
    body = {"features": {**VALID_FEATURES, **dict.fromkeys(names, "valve number 3")}}
    started = time.thread_time()
    problem = assert_problem(post_json(api, body), 400, "invalid-features")
    assert time.thread_time() - started < 5
    assert len(problem["errors"]) == 300
    assert 'Did you mean "value number 3"?' in problem["errors"][0]["detail"]


def test_duplicate_keys_are_rejected(flowers, api):
    body = assert_problem(post_json(api, b'{"features": {"length": 4, "length": 5, "petals": 5}}'), 400, "malformed-json")
    assert "duplicate key 'length'" in body["detail"]


def test_features_are_returned_in_the_order_of_the_signature(flowers, api):
    created = post_json(api, {"features": {"wild": True, "petals": 5, "length": 4.5}}).json()
    listed = api.get(PREDICTIONS_URL, {"include": "features"}).json()["results"][0]
    for row in (created["input"]["features"], listed["input"]["features"], listed["features"]):
        assert list(row) == ORDER


def test_an_error_mentions_the_default_model_if_the_request_names_none(flowers, api):
    problem = assert_problem(api.post(PREDICTIONS_URL, {"image": make_upload()}), 400, "wrong-input")
    assert "The default model flowers takes features" in problem["detail"]


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("flower", "Did you mean flowers?"),
        ("flowers:7", "The model flowers has no version 7."),
        ("flowers@staging", "The model flowers has no alias staging."),
        ("roses", "Use name, name@alias, or name:version."),
    ],
)
def test_an_unknown_model_is_rejected_with_a_hint(flowers, api, model, text):
    assert (
        text in assert_problem(post_json(api, {"features": VALID_FEATURES, "model": model}), 404, "unknown-model")["detail"]
    )
