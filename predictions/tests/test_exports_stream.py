"""The export of predictions as CSV and JSON Lines."""

import csv
import io
import json
import re

import pytest
from django.utils import timezone

from core.tests.pages import get_text
from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.exports.stream import COLUMNS, format_cell
from predictions.models import Prediction
from predictions.services import predict, review_prediction
from predictions.tests.factories import PREDICTIONS_URL, change_predictions, make_prediction

pytestmark = pytest.mark.django_db
EXPORT_URL = f"{PREDICTIONS_URL}export/"


def read_text(response):
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content).decode()


def read_csv(response):
    return list(csv.DictReader(io.StringIO(read_text(response), newline="")))


@pytest.fixture
def predictions(shades, flowers, user, other):
    """Return a reviewed image prediction and a row prediction of `user`; `other` has one prediction too."""
    image = make_prediction(user, make_image(255), name="=cmd.png", client_reference="@ref", model="shades")
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    make_prediction(other, make_image(0), model="shades")
    review_prediction(prediction=image, reviewer=user, true_label="grey")
    return image, row


def describe(prediction, *, shows_users):
    """Return the exported values of a prediction in the plainest way, from model instances."""
    reviews = list(prediction.reviews.filter(withdrawn_at=None).order_by("-id"))
    review = reviews[0] if reviews else None
    return {
        "id": str(prediction.pk),
        "created_at": prediction.created_at.isoformat(),
        "model": prediction.model_version.model.name,
        "model_version": prediction.model_version.number,
        "status": prediction.status,
        "source": prediction.source,
        "user": prediction.user.username if shows_users and prediction.user else None,
        "kind": prediction.input.kind,
        "original_name": prediction.input.original_name,
        "sha256": prediction.input.sha256,
        "features": {feature.name: value for feature, value in prediction.get_features()} or None,
        "label": prediction.label or None,
        "confidence": prediction.confidence,
        "value": prediction.value,
        "output": prediction.output,
        "error_code": prediction.error_code or None,
        "client_reference": prediction.client_reference,
        "verdict": review.verdict if review else None,
        "true_label": (review.true_label or None) if review else None,
        "true_value": review.true_value if review else None,
        "picked_by": review.picked_by if review else None,
        "reviews": len(reviews),
        "labels": prediction.predicted_labels,
        "true_labels": review.true_labels if review else None,
        "text": prediction.input.text,
        "warnings": prediction.warnings or None,
        "tags": None,
    }


def test_all_kinds_of_predictions_are_exported(variety, user, reviewer, client, token_headers, monkeypatch):
    monkeypatch.setattr("predictions.exports.stream.ROWS_PER_FETCH", 2)
    monkeypatch.setattr("predictions.exports.stream.CHUNK_CHARACTERS", 1000)
    for person, shows_users in ((user, False), (reviewer, True)):
        expected = [
            describe(prediction, shows_users=shows_users)
            for prediction in Prediction.objects.visible_to(person).order_by("-id")
        ]
        headers = token_headers(person)
        lines = read_text(client.get(EXPORT_URL, {"format": "jsonl"}, headers=headers))
        assert lines == "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in expected)
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerows([COLUMNS, *([format_cell(row[name]) for name in COLUMNS] for row in expected)])
        assert read_text(client.get(EXPORT_URL, {"format": "csv"}, headers=headers)) == table.getvalue()


def test_an_export_without_rows_has_a_header_only_as_csv(api):
    assert read_text(api.get(EXPORT_URL, {"format": "csv"})) == ",".join(COLUMNS) + "\r\n"
    assert read_text(api.get(EXPORT_URL, {"format": "jsonl"})) == ""


def test_csv_has_one_row_for_each_of_the_users_predictions(predictions, api):
    image, row = predictions
    response = api.get(EXPORT_URL, {"format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="predictions-{timezone.now():%Y-%m-%d}.csv"'
    rows = read_csv(response)
    assert [exported["id"] for exported in rows] == [str(row.pk), str(image.pk)]
    assert tuple(rows[0]) == COLUMNS
    assert json.loads(rows[0]["features"]) == {"length": 4.0, "petals": 5, "colour": "white", "wild": False}
    assert (rows[0]["value"], rows[0]["label"], rows[0]["verdict"]) == ("9.0", "", "")
    assert [rows[1][name] for name in ("label", "verdict", "true_label", "reviews")] == ["white", "incorrect", "grey", "1"]
    assert {exported["user"] for exported in rows} == {""}


def test_formulas_in_text_are_quoted_and_numbers_are_not(predictions, api, user):
    predict(user=user, source="api", features={"length": 0, "petals": 0}, model="flowers", client_reference="-1+1")
    rows = read_csv(api.get(EXPORT_URL, {"format": "csv"}))
    assert [row["client_reference"] for row in rows] == ["'-1+1", "", "'@ref"]
    assert rows[2]["original_name"] == "'=cmd.png"
    assert [format_cell(text) for text in ("\n=1", "\uff1d1", "\uff201", "a=1", " 1")] == [
        "'\n=1",
        "'\uff1d1",
        "'\uff201",
        "a=1",
        " 1",
    ]


def test_json_lines_have_the_same_values(predictions, api):
    response = api.get(EXPORT_URL, {"format": "jsonl"})
    assert response["Content-Type"] == "application/jsonl; charset=utf-8"
    rows = [json.loads(line) for line in read_text(response).splitlines()]
    assert [row["model"] for row in rows] == ["flowers", "shades"]
    assert rows[0]["features"]["petals"] == 5
    assert rows[1]["output"]["scores"]["white"] == rows[1]["confidence"]
    assert rows[1]["client_reference"] == "@ref"


@pytest.mark.parametrize(
    ("query", "count"),
    [({"model": "flowers"}, 1), ({"label": "white"}, 1), ({"reviewed": "true"}, 1), ({"verdict": "unsure"}, 0), ({}, 2)],
)
def test_the_filters_of_the_list_apply(predictions, api, query, count):
    assert len(read_csv(api.get(EXPORT_URL, {"format": "csv", **query}))) == count


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "xml"}, "unknown-format"),
        ({"format": "csv", "modell": "x"}, "unknown-filter"),
        ({"status": "x"}, "invalid-choice"),
    ],
)
def test_invalid_parameters_are_rejected(predictions, api, query, code):
    assert_problem(api.get(EXPORT_URL, query), 400, code)


def test_reviewers_export_all_predictions_with_user_names(predictions, client, reviewer, token_headers):
    rows = read_csv(client.get(EXPORT_URL, {"format": "csv"}, headers=token_headers(reviewer)))
    assert [row["user"] for row in rows] == ["eve", "ada", "ada"]
    assert client.get(EXPORT_URL).status_code == 401


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(shades, user, api, django_assert_num_queries):
    for _ in range(30):
        prediction = make_prediction(user)
    review_prediction(prediction=prediction, reviewer=user, verdict="correct")
    api.get(PREDICTIONS_URL)
    # The token with its user, the permissions, the audit log, the rows, their reviews, their tags.
    with django_assert_num_queries(6):
        assert len(read_csv(api.get(EXPORT_URL, {"format": "csv"}))) == 30


def test_the_history_links_to_the_export_with_its_filters(predictions, client, user):
    client.force_login(user)
    page = client.get("/predictions/?label=white&label=grey").content.decode()
    assert 'href="/predictions/export/?format=xlsx&amp;label=white&amp;label=grey"' in page


def test_the_export_of_the_history_has_the_order_and_the_columns_of_the_list(
    predictions, client, user, other, reviewer, monkeypatch
):
    monkeypatch.setattr("predictions.exports.stream.ROWS_PER_FETCH", 2)
    image, row = predictions
    images = [image, *(make_prediction(user, make_image(shade), model="shades") for shade in (0, 128, 255, 64, 128))]
    for number, prediction in enumerate(images):
        change_predictions(Prediction.objects.filter(pk=prediction.pk), confidence=[0.5, 0.9, 0.5, 0.7, 0.5, 0.6][number])
    client.force_login(user)
    for sort in ("-time", "time", "confidence", "-confidence"):
        shown = [str(listed.pk) for listed in client.get("/predictions/", {"sort": sort}).context["page"].rows]
        assert len(shown) == (6 if "confidence" in sort else 7)
        assert [line["id"] for line in read_csv(client.get("/predictions/export/", {"sort": sort}))] == shown
        data = {"id": shown[:5], "action": "csv", "next": f"/predictions/?sort={sort}"}
        assert [line["id"] for line in read_csv(client.post("/predictions/selection/", data))] == shown[:5]
    query = "?model=flowers&column=source&column=feature.petals&export=shown"
    page = client.get(f"/predictions/{query}")
    assert "Export the columns shown:" in get_text(page)
    (url,) = re.findall(r'href="(/predictions/export/\?format=csv[^"]*)"', page.content.decode())
    assert url.replace("&amp;", "&") == f"/predictions/export/?format=csv&{query[1:]}"
    (line,) = read_csv(client.get(url.replace("&amp;", "&")))
    assert json.loads(line.pop("input")) == row.input.features
    created_at, link = row.created_at.isoformat(), f"http://testserver/predictions/{row.pk}/"
    names = [
        "prediction",
        "confidence",
        "status",
        "verdict",
        "true_output",
        "source",
        "features.petals",
        "created_at",
        "link",
    ]
    assert list(line) == names
    assert list(line.values()) == ["9.0", "", "succeeded", "", "", "api", "5", created_at, link]
    switch = page.context["export_switch_url"]
    assert switch == "/predictions/?model=flowers&column=source&column=feature.petals"
    assert "Export all data:" in get_text(client.get(switch))
    data = {"id": [image.pk], "action": "jsonl", "next": "/predictions/?model=shades&column=score.white&export=shown"}
    values = json.loads(read_text(client.post("/predictions/selection/", data)))
    assert (values["input"], values["prediction"], values["true_output"]) == ("=cmd.png", "white", "grey")
    assert values["scores.white"] == image.output["scores"]["white"]
    client.force_login(reviewer)
    line = read_csv(client.get("/predictions/export/", {"export": "shown", "model": "shades"}))[-1]
    assert [line[name] for name in ("input", "model", "model_version", "user")] == ["'=cmd.png", "shades", "1", "ada"]


def test_lists_of_labels_are_json_in_both_formats(blends, user, api):
    for shade in (64, 255):
        prediction = make_prediction(user, make_image(shade), model="blends")
    review_prediction(prediction=prediction, reviewer=user, true_labels=[])
    rows = [json.loads(line) for line in read_text(api.get(EXPORT_URL, {"format": "jsonl"})).splitlines()]
    lists = [(row["labels"], row["true_labels"]) for row in rows]
    assert lists == [(["white"], []), (["black", "grey"], None)]
    assert [(row["label"], row["confidence"]) for row in rows] == [(None, None), (None, None)]
    cells = [(row["labels"], row["true_labels"]) for row in read_csv(api.get(EXPORT_URL, {"format": "csv"}))]
    assert cells == [('["white"]', "[]"), ('["black", "grey"]', "")]
