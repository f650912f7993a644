"""The API of reviews."""

import pytest

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import predict, review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

pytestmark = pytest.mark.django_db


def get_reviews_url(prediction):
    return f"{PREDICTIONS_URL}{prediction.pk}/reviews/"


def post_review(api, prediction, **fields):
    return api.post(get_reviews_url(prediction), fields, content_type="application/json")


@pytest.fixture
def white(shades, user):
    return make_prediction(user, make_image(255))


@pytest.fixture
def row(flowers, user):
    return predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"verdict": "correct"}, ("correct", "white")),
        ({"verdict": "incorrect", "true_label": "grey"}, ("incorrect", "grey")),
        ({"verdict": "unsure"}, ("unsure", "")),
        ({"true_label": "white"}, ("correct", "white")),
        ({"true_label": "black"}, ("incorrect", "black")),
        ({"verdict": "correct", "true_label": "white", "comment": "clear"}, ("correct", "white")),
    ],
)
def test_reviews_of_labels_are_stored_with_inferred_parts(white, api, user, fields, expected):
    response = post_review(api, white, **fields)
    assert response.status_code == 201, response.content
    review = Review.objects.get()
    assert (review.verdict, review.true_label) == expected
    assert (review.reviewer, review.picked_by, review.prediction) == (user, "api", white)
    shown = api.get(f"{PREDICTIONS_URL}{white.pk}/").json()["review"]
    assert (shown["verdict"], shown["true_label"], shown["mine"], shown["reviewer"]) == (*expected, True, "ada")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "required"),
        ({"verdict": "wrong"}, "invalid-choice"),
        ({"verdict": "incorrect"}, "required"),
        ({"verdict": "incorrect", "true_label": "white"}, "contradiction"),
        ({"verdict": "correct", "true_label": "black"}, "contradiction"),
        ({"verdict": "unsure", "true_label": "black"}, "contradiction"),
        ({"true_label": "blue"}, "unknown-label"),
        ({"true_label": " white"}, "unknown-label"),
        ({"true_value": 5}, "wrong-truth"),
        ({"true_value": "5"}, "wrong-type"),
        ({"verdict": "correct", "comment": "x" * 2001}, "max-length"),
        ({"verdict": "correct", "reviewer": "root"}, "unknown-field"),
        ({"verdict": "correct", "picked_by": "luck"}, "invalid-choice"),
    ],
)
def test_invalid_reviews_of_labels_are_rejected(white, api, fields, code):
    assert_problem(post_review(api, white, **fields), 400, code)
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"true_value": 9.0}, ("correct", 9.0)),
        ({"true_value": 11}, ("incorrect", 11.0)),
        ({"verdict": "correct"}, ("correct", None)),
        ({"verdict": "unsure"}, ("unsure", None)),
    ],
)
def test_reviews_of_values(row, api, fields, expected):
    assert post_review(api, row, **fields).status_code == 201
    review = Review.objects.get()
    assert (review.verdict, review.true_value) == expected


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"verdict": "incorrect"}, "required"),
        ({"true_label": "red"}, "wrong-truth"),
        ({"verdict": "incorrect", "true_value": 9}, "contradiction"),
    ],
)
def test_invalid_reviews_of_values_are_rejected(row, api, fields, code):
    assert_problem(post_review(api, row, **fields), 400, code)


def test_failed_predictions_cannot_be_reviewed(register_failing, user, api):
    failed = make_prediction(user, model=str(register_failing(nan=True)))
    assert_problem(post_review(api, failed, verdict="correct"), 409, "not-reviewable")


def test_reviewers_can_review_all_predictions_and_other_users_cannot(white, other, reviewer, token_headers, client):
    eve, rosa = ({"headers": token_headers(person), "content_type": "application/json"} for person in (other, reviewer))
    unknown = f"{PREDICTIONS_URL}01a1fb01-0971-77a1-91ee-40e3b3456e9b/reviews/"
    theirs = client.post(get_reviews_url(white), {"verdict": "correct"}, **eve)
    assert (theirs.status_code, theirs.content) == (404, client.post(unknown, {"verdict": "correct"}, **eve).content)
    assert client.get(get_reviews_url(white), **eve).status_code == 404
    assert client.post(get_reviews_url(white), {"verdict": "correct"}, content_type="application/json").status_code == 401
    assert not Review.objects.exists()
    assert client.post(get_reviews_url(white), {"verdict": "correct"}, **rosa).status_code == 201
    assert Review.objects.get().reviewer == reviewer


def test_owners_see_verdicts_but_not_reviewers(white, reviewer, other, api):
    for person in (reviewer, other):
        review_prediction(prediction=white, reviewer=person, verdict="unsure")
    reviews = api.get(get_reviews_url(white)).json()
    assert [(review["verdict"], review["mine"], review["reviewer"]) for review in reviews] == [("unsure", False, None)] * 2
    assert api.delete(get_reviews_url(white)).status_code == 404
    post_review(api, white, verdict="correct")
    assert api.delete(get_reviews_url(white)).status_code == 204


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"reviewed": "true"}, ["ref-255", "ref-0"]),
        ({"reviewed": "false"}, ["ref-127"]),
        ({"verdict": "correct"}, ["ref-255"]),
        ({"verdict": "unsure"}, []),
        ({"verdict": "incorrect", "reviewed": "true"}, ["ref-0"]),
    ],
)
def test_filter_by_review(three, api, user, query, expected):
    black, _, white = three
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    review_prediction(prediction=black, reviewer=user, verdict="unsure")
    review_prediction(prediction=black, reviewer=user, true_label="grey")
    results = api.get(PREDICTIONS_URL, query).json()["results"]
    assert [result["client_reference"] for result in results] == expected


@pytest.mark.parametrize("value", ["maybe", "1", "yes", "TRUE"])
def test_reviewed_must_be_true_or_false(white, api, value):
    assert_problem(api.get(PREDICTIONS_URL, {"reviewed": value}), 400, "invalid-choice")
