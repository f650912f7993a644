"""Predictions as CSV and JSON lines, filtered like the list."""

import csv
import io
import json

import pytest

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.export import COLUMNS
from predictions.services import predict, review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

pytestmark = pytest.mark.django_db
EXPORT = f"{PREDICTIONS_URL}export/"


def text_of(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def lines(response):
    return list(csv.DictReader(io.StringIO(text_of(response), newline="")))


@pytest.fixture
def mixed(shades, flowers, user, other):
    white = make_prediction(user, make_image(255), name="=cmd.png", client_reference="@ref", model="shades")
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    make_prediction(other, make_image(0), model="shades")
    review_prediction(prediction=white, reviewer=user, true_label="grey")
    return white, row


def test_csv_has_one_line_for_each_of_ones_own(mixed, api):
    white, row = mixed
    answer = api.get(EXPORT, {"format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="predictions.csv"'
    found = lines(answer)
    assert [one["id"] for one in found] == [str(row.pk), str(white.pk)]
    assert tuple(found[0]) == COLUMNS
    assert json.loads(found[0]["features"]) == {"length": 4.0, "petals": 5, "colour": "white", "wild": False}
    assert (found[0]["value"], found[0]["label"], found[0]["verdict"]) == ("9.0", "", "")
    assert (found[1]["label"], found[1]["verdict"], found[1]["true_label"], found[1]["reviews"]) == (
        *("white", "incorrect", "grey"),
        "1",
    )
    assert {one["user"] for one in found} == {""}


def test_formulas_are_disarmed_and_numbers_are_not(mixed, api, user):
    predict(user=user, source="api", features={"length": 0, "petals": 0}, model="flowers", client_reference="-1+1")
    found = lines(api.get(EXPORT, {"format": "csv"}))
    assert [one["client_reference"] for one in found] == ["'-1+1", "", "'@ref"]
    assert found[2]["original_name"] == "'=cmd.png"


def test_json_lines_say_the_same(mixed, api):
    answer = api.get(EXPORT, {"format": "jsonl"})
    assert answer["Content-Type"] == "application/jsonl; charset=utf-8"
    found = [json.loads(line) for line in text_of(answer).splitlines()]
    assert [one["model"] for one in found] == ["flowers", "shades"]
    assert found[0]["features"]["petals"] == 5
    assert found[1]["output"]["scores"]["white"] == found[1]["confidence"]
    assert found[1]["client_reference"] == "@ref"


@pytest.mark.parametrize(
    ("query", "count"),
    [({"model": "flowers"}, 1), ({"label": "white"}, 1), ({"reviewed": "true"}, 1), ({"verdict": "unsure"}, 0), ({}, 2)],
)
def test_every_filter_of_the_list_holds(mixed, api, query, count):
    assert len(lines(api.get(EXPORT, {"format": "csv", **query}))) == count


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "xml"}, "unknown-format"),
        ({"format": "csv", "modell": "x"}, "unknown-filter"),
        ({"status": "x"}, "invalid-choice"),
    ],
)
def test_a_wrong_question_is_refused(mixed, api, query, code):
    assert_problem(api.get(EXPORT, query), 400, code)


def test_reviewers_get_everybodys_with_their_names(mixed, client, reviewer, token_headers):
    found = lines(client.get(EXPORT, {"format": "csv"}, headers=token_headers(reviewer)))
    assert [one["user"] for one in found] == ["eve", "ada", "ada"]
    assert client.get(EXPORT).status_code == 401


def test_many_rows_take_few_queries(shades, user, api, django_assert_num_queries):
    for _ in range(30):
        make_prediction(user)
    api.get(PREDICTIONS_URL)
    with django_assert_num_queries(3):  # the token with its user; the rows; their reviews
        assert len(lines(api.get(EXPORT, {"format": "csv"}))) == 30


def test_the_history_offers_what_it_shows(mixed, client, user):
    client.force_login(user)
    assert f'href="{EXPORT}?format=csv&amp;label=white"' in client.get("/predictions/?label=white").content.decode()
