"""Ground truth: reviews of many predictions in one request."""

import pytest
from django.db.models.signals import post_init

from core.tests.problems import assert_problem
from inference.messages import MAX_HINTED_ERRORS
from predictions.models import Prediction, Review
from predictions.tests.factories import make_prediction

GROUND_TRUTH_URL = "/api/v1/ground-truth/"


def post_items(api, items):
    return api.post(GROUND_TRUTH_URL, {"items": items}, content_type="application/json")


def test_each_item_has_its_own_result(three, api, user, other):
    black, grey, white = three
    foreign = make_prediction(other, client_reference="theirs")
    twin = [make_prediction(user, client_reference="twin") for _ in range(2)]
    items = [
        {"id": str(black.pk), "true_label": "black"},
        {"client_reference": "ref-127", "verdict": "incorrect", "true_label": "white", "comment": "too bright"},
        {"id": str(white.pk), "true_label": "blue"},
        {"client_reference": "ref-0", "verdict": "unsure"},
        {"id": str(foreign.pk), "true_label": "black"},
        {"client_reference": "theirs", "true_label": "black"},
        {"client_reference": "twin", "true_label": "black"},
        {"id": str(twin[0].pk)},
        {"true_label": "black"},
        {"id": str(white.pk), "client_reference": "ref-255", "true_label": "white"},
        {"id": "abc", "true_label": "white"},
        {"id": str(white.pk), "label": "white"},
        "white",
    ]
    response = post_items(api, items)
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["accepted"], body["refused"], len(body["results"])) == (2, 11, 13)
    assert [result["code"] for result in body["results"]] == [
        *(None, None, "unknown-label", "twice", "not-found", "not-found", "ambiguous", "required", "required", "required"),
        *("invalid", "unknown-field", "invalid"),
    ]
    assert body["results"][-1]["detail"].startswith('Expected an object, such as {"client_reference":')
    assert body["results"][0]["prediction"] == str(black.pk)
    reviews = Review.objects.order_by("id").values_list("prediction", "verdict", "true_label", "picked_by", "comment")
    assert list(reviews) == [(black.pk, "correct", "black", "api", ""), (grey.pk, "incorrect", "white", "api", "too bright")]


def test_items_withdraw_earlier_reviews(three, api):
    items = [{"client_reference": f"ref-{shade}", "verdict": "unsure"} for shade in (0, 127, 255)]
    for _ in range(2):
        assert post_items(api, items).json()["accepted"] == 3
    assert (Review.objects.count(), Review.objects.active().count()) == (6, 3)


def test_only_the_first_errors_suggest_labels(three, api):
    body = post_items(api, [{"client_reference": "ref-0", "true_label": "blakc"}] * (MAX_HINTED_ERRORS + 10)).json()
    hints = ['Did you mean "black"?' in result["detail"] for result in body["results"]]
    assert hints == [True] * MAX_HINTED_ERRORS + [False] * 10


def test_an_item_that_is_null_has_its_own_result(three, api):
    body = post_items(api, [None, {"client_reference": "ref-0", "verdict": "unsure"}]).json()
    first, second = body["results"]
    assert (first["code"], first["detail"]) == ("null", "Expected an object. Received: null.")
    assert second["review"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"items": []}, "min-length"),
        ({"items": [{}] * 1001}, "max-length"),
        ({"items": "x"}, "not-a-list"),
        ({"items": [{}], "more": 1}, "unknown-field"),
    ],
)
def test_invalid_requests_are_rejected(db, api, body, code):
    assert_problem(api.post(GROUND_TRUTH_URL, body, content_type="application/json"), 400, code)


@pytest.mark.parametrize("count", [2, 40])
def test_number_of_queries_does_not_depend_on_the_number_of_items(shades, user, api, count, django_assert_num_queries):
    predictions = [make_prediction(user, client_reference=f"n{number}") for number in range(count)]
    items = [{"client_reference": row.client_reference, "verdict": "correct"} for row in predictions]
    with django_assert_num_queries(11) as captured:
        assert post_items(api, items).json()["accepted"] == count
    assert captured
    assert Prediction.objects.reviewed().count() == count


def test_predictions_of_a_repeated_reference_are_not_loaded(shades, user, api):
    """There can be millions of them, for which neither the memory nor the time limit of a query would be enough."""
    for _ in range(3):
        make_prediction(user, client_reference="scan")
    loaded = []

    def record(instance, **arguments):
        loaded.append(instance)

    post_init.connect(record, sender=Prediction)
    try:
        result = post_items(api, [{"client_reference": "scan", "verdict": "correct"}]).json()["results"][0]
    finally:
        post_init.disconnect(record, sender=Prediction)
    assert (result["code"], result["detail"][:13]) == ("ambiguous", "3 predictions")
    assert loaded == []
