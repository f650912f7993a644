"""The quality endpoint of the API."""

import pytest

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import predict, review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
QUALITY_URL = "/api/v1/models/shades/quality/"


def test_the_response_has_the_documented_keys(reviewed, api):
    body = api.get(QUALITY_URL).json()
    assert list(body) == [
        *("version", "predictions", "reviewed", "coverage", "accuracy", "random", "picked", "classes", "confusion"),
        *("calibration", "kappa", "kappa_n", "regression", "multi_label"),
    ]
    assert (body["version"], body["predictions"], body["reviewed"], body["coverage"]) == (1, 4, 3, 0.75)
    assert set(body["accuracy"]) == set(body["random"]) == set(body["picked"]) == {"value", "low", "high", "n"}
    assert (body["accuracy"]["n"], body["random"]["value"], body["picked"]["value"]) == (3, 1, 0.5)
    assert body["classes"][1] == {"label": "grey", "precision": 1, "recall": 0.5, "support": 2}
    assert body["confusion"] == {"labels": ["black", "grey", "white"], "matrix": [[1, 0, 0], [0, 1, 1], [0, 0, 0]]}
    assert set(body["calibration"]) == {"ece", "bins"}
    assert (len(body["calibration"]["bins"]), body["kappa"], body["regression"]) == (10, None, None)
    assert set(body["calibration"]["bins"][0]) == {"low", "high", "n", "confidence", "accuracy"}


def test_metrics_without_data_are_null(shades, user, api):
    make_prediction(user)
    body = api.get(QUALITY_URL).json()
    assert body["accuracy"] == {"value": None, "low": None, "high": None, "n": 0}
    assert (body["calibration"]["ece"], body["classes"][0]["precision"], body["coverage"]) == (None, None, 0)


def test_a_regression_model_has_errors_instead_of_accuracy(flowers, user, api):
    prediction = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    review_prediction(prediction=prediction, reviewer=user, true_value=8)
    body = api.get("/api/v1/models/flowers/quality/").json()
    assert body["regression"] == {
        **{"mae": 1, "rmse": 1, "r2": None, "n": 1},
        "residuals": {"mean": 1, "bins": [{"low": 1, "high": 1, "n": 1}]},
    }
    assert (body["accuracy"]["value"], body["confusion"], body["calibration"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?version=1", 3),
        ("?picked_by=random", 1),
        ("?since=2026-01-01T00:00:00Z", 3),
        ("?since=2099-01-01", 0),
        ("?version=2", 0),
    ],
)
def test_parameters_select_the_version_and_its_predictions(reviewed, api, write_dummy, query, count):
    register_model(path=write_dummy())
    assert api.get(QUALITY_URL + query).json()["reviewed"] == count


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?version=9", 404, "not-found"),
        ("?version=0", 400, "min-value"),
        ("?version=x", 400, "invalid"),
        ("?version=99999999999999999999", 400, "max-value"),
        ("?since=yesterday", 400, "invalid"),
        ("?since=0001-01-01T00:00:00%2B14:00", 400, "invalid"),
        ("?picked_by=luck", 400, "invalid-choice"),
        ("?vresion=1", 400, "unknown-filter"),
        ("?compare=1", 400, "unknown-filter"),
        ("?version=", 400, "blank"),
        ("?since=", 400, "blank"),
        ("?picked_by=", 400, "blank"),
    ],
)
def test_invalid_parameters_are_rejected(reviewed, api, query, status, code):
    assert assert_problem(api.get(QUALITY_URL + query), status, code)


def test_users_see_their_own_predictions_and_reviewers_all(reviewed, client, other, reviewer, token_headers):
    assert client.get(QUALITY_URL).status_code == 401
    assert client.get(QUALITY_URL, headers=token_headers(other)).json()["predictions"] == 0
    assert client.get(QUALITY_URL, headers=token_headers(reviewer)).json()["predictions"] == 4
    assert client.get("/api/v1/models/nothing/quality/", headers=token_headers(reviewer)).status_code == 404


def test_only_reviewers_see_a_model_without_an_alias(write_dummy, client, user, reviewer, token_headers):
    register_model(path=write_dummy())
    assert client.get(QUALITY_URL, headers=token_headers(user)).status_code == 404
    assert client.get(QUALITY_URL, headers=token_headers(reviewer)).json()["version"] == 1


def test_only_reviewers_can_mark_a_prediction_as_sampled_at_random(reviewed, client, user, reviewer, token_headers):
    url = f"{PREDICTIONS_URL}{reviewed[3].pk}/reviews/"
    body = {"verdict": "correct", "picked_by": "random"}
    rejected = client.post(url, body, content_type="application/json", headers=token_headers(user))
    assert_problem(rejected, 400, "not-yours")
    assert Review.objects.count() == 3
    assert client.post(url, body, content_type="application/json", headers=token_headers(reviewer)).status_code == 201


def test_labels_that_differ_in_whitespace_are_different(db, write_dummy, user, api):
    register_model(path=write_dummy(labels=["a", " a"]), promote=True)
    for shade in (0, 255, 255):
        prediction = make_prediction(user, make_image(shade))
        review_prediction(prediction=prediction, reviewer=user, verdict="correct")
    assert api.get(QUALITY_URL).json()["confusion"] == {"labels": ["a", " a"], "matrix": [[1, 0], [0, 2]]}
