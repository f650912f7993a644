"""Quality at its doors: the API, the model's page, and the lists behind its figures."""

import re

import pytest
from django.utils.html import escape

from core.tests.problems import assert_problem
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Review
from predictions.services import predict, review_prediction, withdraw_review
from predictions.tests.factories import PREDICTIONS_URL, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
URL = "/api/v1/models/shades/quality/"
PAGE = "/models/shades/"


@pytest.fixture
def judged(shades, user, reviewer):
    """Four answers of ada's: three judged by rosa, two of them right, one of these at random."""
    asked = [make_prediction(user, make_image(shade)) for shade in (0, 127, 255, 250)]
    review_prediction(prediction=asked[0], reviewer=reviewer, verdict="correct", picked_by="random")
    review_prediction(prediction=asked[1], reviewer=reviewer, verdict="correct", picked_by="uncertain")
    review_prediction(prediction=asked[2], reviewer=reviewer, true_label="grey", picked_by="margin")
    return asked


def test_the_keys_are_the_contracts(judged, api):
    found = api.get(URL).json()
    assert list(found) == [
        *("version", "predictions", "reviewed", "coverage", "accuracy", "random", "picked", "classes", "confusion"),
        *("calibration", "kappa", "kappa_n", "regression"),
    ]
    assert (found["version"], found["predictions"], found["reviewed"], found["coverage"]) == (1, 4, 3, 0.75)
    assert set(found["accuracy"]) == set(found["random"]) == set(found["picked"]) == {"value", "low", "high", "n"}
    assert (found["accuracy"]["n"], found["random"]["value"], found["picked"]["value"]) == (3, 1, 0.5)
    assert found["classes"][1] == {"label": "grey", "precision": 1, "recall": 0.5, "support": 2}
    assert found["confusion"] == {"labels": ["black", "grey", "white"], "matrix": [[1, 0, 0], [0, 1, 1], [0, 0, 0]]}
    assert set(found["calibration"]) == {"ece", "bins"}
    assert (len(found["calibration"]["bins"]), found["kappa"], found["regression"]) == (10, None, None)


def test_what_is_unknown_is_null(shades, user, api):
    make_prediction(user)
    found = api.get(URL).json()
    assert found["accuracy"] == {"value": None, "low": None, "high": None, "n": 0}
    assert (found["calibration"]["ece"], found["classes"][0]["precision"], found["coverage"]) == (None, None, 0)


def test_a_regression_has_errors_instead(flowers, user, api):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    review_prediction(prediction=row, reviewer=user, true_value=8)
    found = api.get("/api/v1/models/flowers/quality/").json()
    assert {name: found["regression"][name] for name in ("mae", "rmse", "r2", "n")} == {
        **{"mae": 1, "rmse": 1, "r2": None, "n": 1}
    }
    assert (found["accuracy"]["value"], found["confusion"], found["calibration"]) == (None, None, None)


@pytest.mark.parametrize(
    ("query", "reviewed"),
    [
        ("", 3),
        ("?version=1", 3),
        ("?picked_by=random", 1),
        ("?since=2026-01-01T00:00:00Z", 3),
        ("?since=2099-01-01", 0),
        ("?version=2", 0),
    ],
)
def test_a_question_narrows(judged, api, write_dummy, query, reviewed):
    register_model(path=write_dummy())
    assert api.get(URL + query).json()["reviewed"] == reviewed


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
    ],
)
def test_a_wrong_question_is_refused(judged, api, query, status, code):
    assert assert_problem(api.get(URL + query), status, code)


def test_who_may_know(judged, client, other, reviewer, token_headers):
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers=token_headers(other)).json()["predictions"] == 0
    assert client.get(URL, headers=token_headers(reviewer)).json()["predictions"] == 4
    assert client.get("/api/v1/models/nothing/quality/", headers=token_headers(reviewer)).status_code == 404


def test_a_model_without_an_alias_is_for_reviewers(write_dummy, client, user, reviewer, token_headers):
    register_model(path=write_dummy())
    assert client.get(URL, headers=token_headers(user)).status_code == 404
    assert client.get(URL, headers=token_headers(reviewer)).json()["version"] == 1


def test_only_reviewers_say_that_an_answer_was_drawn(judged, client, user, reviewer, token_headers):
    address = f"{PREDICTIONS_URL}{judged[3].pk}/reviews/"
    body = {"verdict": "correct", "picked_by": "random"}
    refused = client.post(address, body, content_type="application/json", headers=token_headers(user))
    assert_problem(refused, 400, "not-yours")
    assert Review.objects.count() == 3
    assert client.post(address, body, content_type="application/json", headers=token_headers(reviewer)).status_code == 201


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"true_label": "grey"}, [2, 1]),
        ({"true_label": "grey", "label": "white"}, [2]),
        ({"true_label": "blue"}, []),
        ({"picked_by": "random"}, [0]),
        ({"picked_by": "margin"}, [2]),
        ({"picked_by": "manual"}, []),
    ],
)
def test_the_list_finds_the_rows_behind_a_figure(judged, api, query, places):
    found = [row["id"] for row in api.get(PREDICTIONS_URL, query).json()["results"]]
    assert found == [str(judged[place].pk) for place in places]


def test_the_newest_truth_finds_a_row(judged, api, superuser):
    review_prediction(prediction=judged[2], reviewer=superuser, verdict="correct")
    assert len(api.get(PREDICTIONS_URL, {"true_label": "grey"}).json()["results"]) == 1
    assert len(api.get(PREDICTIONS_URL, {"true_label": "white"}).json()["results"]) == 1


def test_labels_with_spaces_around_are_told_apart(db, write_dummy, user, api):
    register_model(path=write_dummy(labels=["a", " a"]), promote=True)
    for shade in (0, 255, 255):
        make_prediction(user, make_image(shade))
    found = [len(api.get(PREDICTIONS_URL, {"label": label}).json()["results"]) for label in ("a", " a")]
    assert found == [1, 2]


def test_a_pick_that_was_taken_back_is_not_listed(judged, api, reviewer):
    withdraw_review(prediction=judged[0], reviewer=reviewer)
    assert api.get(PREDICTIONS_URL, {"picked_by": "random"}).json()["results"] == []


# --- the page


@pytest.fixture
def page(client, reviewer):
    client.force_login(reviewer)
    return lambda query="": client.get(PAGE + query)


def test_each_cell_of_the_matrix_opens_as_many_rows_as_it_says(judged, page, client):
    html = page("?since=2026-01-01").content.decode()
    cells = re.findall(r'<a href="(/predictions/\?[^"]+)"\s+title="([\d,]+) ×', html)
    assert sorted(int(n) for _, n in cells) == [1, 1, 1]
    for link, n in cells:
        assert "created_after=2026-01-01" in link
        assert len(client.get(link.replace("&amp;", "&")).context["page"].rows) == int(n)


def test_the_page_says_what_is_fair_and_what_is_not(judged, page):
    html = page().content.decode()
    for shown in ("the fair figure", "biased, harsher than the truth", "no fair sample", "75.0 %", "of 4 answers"):
        assert shown in html
    assert 'href="/predictions/?model=shades%3A1&amp;reviewed=true"' in html


def test_a_cells_list_shows_its_filters_to_be_taken_away(judged, page, client):
    html = page("?since=2026-01-01&picked_by=margin").content.decode()
    (link,) = re.findall(r'<a href="(/predictions/\?[^"]+)"\s+title="1 × grey taken for white"', html)
    listed = client.get(link.replace("&amp;", "&")).content.decode()
    assert 'value="2026-01-01T00:00:00"' in listed
    for chip in (
        "Model: shades:1",
        "From: 1 January 2026, 00:00 UTC",
        "Picked for review: the smallest margin first",
        "True label: grey",
    ):
        assert chip in " ".join(re.sub(r"<[^>]+>", " ", listed).split())


def test_a_question_that_leaves_nothing_is_not_taken_for_no_reviews(judged, page):
    html = page("?picked_by=newest").content.decode()
    assert "Nothing judged matches" in html
    assert "nobody has judged one" not in html


def test_picks_of_one_kind_are_called_what_they_are(judged, page):
    for picked_by, said, unsaid in (
        ("random", "the fair figure", "no fair sample"),
        ("margin", "no fair sample", "the fair figure"),
    ):
        html = page(f"?picked_by={picked_by}").content.decode()
        assert said in html
        assert unsaid not in html
        assert "Few: the interval is wide" in html


def test_without_reviews_the_page_shows_no_figure_and_a_next_step(shades, user, reviewer, client):
    make_prediction(user)
    for person, step in ((reviewer, "Review some"), (user, "Judge some of yours")):
        client.force_login(person)
        html = client.get(PAGE).content.decode()
        assert "Not known yet" in html
        assert step in html
        assert "the fair figure" not in html


def test_another_version_stands_beside(judged, page, user, write_dummy):
    register_model(path=write_dummy(fixed=[0, 1, 0]))
    for shade in (0, 127, 255):
        make_prediction(user, make_image(shade), model="shades:2")
    html = page("?version=1&compare=2").content.decode()
    assert "On the 3 inputs that both answered" in html
    assert "may well be chance" in html
    assert "beside version" not in page("?version=1&compare=1").content.decode()


@pytest.mark.parametrize("query", ["?version=7", "?version=x", "?since=soon", "?picked_by=x"])
def test_a_wrong_question_on_the_page_is_told(judged, page, query):
    answer = page(query)
    assert answer.status_code == 200
    assert "cannot be answered" in answer.content.decode()


def test_a_regression_shows_its_errors(flowers, user, client):
    for length in (1, 2, 3):
        row = predict(user=user, source="api", features={"length": length, "petals": 5}, model="flowers")
        review_prediction(prediction=row, reviewer=user, true_value=row.value + length)
    client.force_login(user)
    html = client.get("/models/flowers/").content.decode()
    assert "Mean absolute error" in html
    assert "2 cm²" in html
    assert html.count('class="chart-bar"') == 20


def test_of_many_labels_the_mistakes_are_listed(db, write_dummy, user, page):
    labels = [f"<l{number}>" for number in range(30)]
    register_model(path=write_dummy(labels=labels), promote=True)
    review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=user, true_label="<l3>")
    html = page().content.decode()
    assert escape("1 × <l3> taken for <l29>") in html
    assert "<l3>" not in html


def test_a_page_takes_the_same_queries_whatever_is_stored(judged, page, user, django_assert_num_queries, reviewer):
    page()
    with django_assert_num_queries(11) as captured:
        page("?compare=1")
    for number in range(20):
        review_prediction(prediction=make_prediction(user, make_noise_image(number)), reviewer=reviewer, verdict="correct")
    with django_assert_num_queries(len(captured)):
        page("?compare=1")
