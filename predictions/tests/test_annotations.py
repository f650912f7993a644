"""Tags, comments, other versions, and the neighbors of a prediction."""

import json

import pytest
from django.db import connection

from inference.tests.factories import make_image
from predictions.exports.stream import stream_export
from predictions.models import Prediction, PredictionComment
from predictions.services.annotations import add_tag
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def predictions(shades, user):
    return [make_prediction(user, make_image(shade)) for shade in (0, 127, 255)]


def test_tags_are_added_filtered_exported_and_removed(predictions, signed_in, user):
    first, second, _ = predictions
    url = f"{first.get_absolute_url()}tags/"
    signed_in.post(url, {"add": "  Edge   CASE "})
    signed_in.post(url, {"add": "edge case"})
    rejected = signed_in.post(url, {"add": "a,b"}, headers={"hx-request": "true"})
    assert (rejected.status_code, "cannot contain a comma" in rejected.content.decode()) == (400, True)
    assert "too long" in signed_in.post(url, {"add": "x" * 41}, headers={"hx-request": "true"}).content.decode()
    assert "edge case" in signed_in.get(first.get_absolute_url()).content.decode()
    found = signed_in.get("/api/v1/predictions/", {"tag": ["none", " Edge  case"]}).json()["results"]
    assert [(row["id"], row["tags"]) for row in found] == [(str(first.pk), ["edge case"])]
    assert signed_in.get(f"/api/v1/predictions/{second.pk}/").json()["tags"] == []
    rows = Prediction.objects.filter(user=user).order_by("-id")
    lines = b"".join(stream_export(rows, reader=user, format_name="csv").streaming_content).decode().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["tags", "", "", "edge case"]
    lines = b"".join(stream_export(rows, reader=user, format_name="jsonl").streaming_content).decode().splitlines()
    assert [json.loads(line)["tags"] for line in lines] == [None, None, ["edge case"]]
    signed_in.post(url, {"remove": "edge case"})
    assert not first.tags.exists()


def test_filter_by_tag_uses_its_index(predictions, user):
    add_tag(prediction=predictions[0], user=user, name="rare")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "tag_name_prediction" in Prediction.objects.with_any_tag(["rare"]).order_by("-id")[:24].explain()


def test_comments_are_a_thread_of_all_who_can_see_the_prediction(predictions, signed_in, client, reviewer, make_user):
    row = predictions[0]
    url = f"{row.get_absolute_url()}comments/"
    for _ in range(2):  # a double click
        signed_in.post(url, {"text": "Is this <b>grey</b>?"})
    client.force_login(reviewer)
    html = client.post(url, {"text": "No, black."}, headers={"hx-request": "true"}).content.decode()
    assert html.index("Is this &lt;b&gt;grey") < html.index("No, black.")
    assert "Enter a comment." in client.post(url, {"text": " "}, headers={"hx-request": "true"}).content.decode()
    client.force_login(make_user())
    for path in ("comments", "tags", "versions"):
        assert client.post(f"{row.get_absolute_url()}{path}/", {"text": "x", "add": "x"}).status_code == 404
    assert PredictionComment.objects.count() == 2


def test_another_version_runs_on_the_same_input(predictions, shades, signed_in, user, write_dummy):
    second, row = register_model(path=write_dummy(), promote=True), predictions[1]
    assert "Run with version 2" in signed_in.get(row.get_absolute_url()).content.decode()
    fields = {"version": str(second.pk), "idempotency_key": "a"}
    first, response = (signed_in.post(f"{row.get_absolute_url()}versions/", fields) for _ in range(2))  # a double click
    assert first["Location"] == response["Location"]
    new = Prediction.objects.get(model_version=second)
    assert (response["Location"], new.input, new.user, new.source) == (new.get_absolute_url(), row.input, user, "web")
    assert (new.status, new.label) == ("succeeded", "grey")
    html = signed_in.get(row.get_absolute_url()).content.decode()
    assert (new.get_absolute_url() in html, "Run with version" in html) == (True, False)
    register_model(path=write_dummy("places", ["sea", "sky"]), promote=True)
    register_model(path=write_dummy("tones"), promote=True)
    _places, tones = (make_prediction(user, make_image(127), model=name) for name in ("places", "tones"))
    shown = signed_in.get(row.get_absolute_url()).context["other_predictions"]
    assert {other.pk for other in shown} == {new.pk, tones.pk}  # those with the same labels


def test_neighbors_follow_the_filter_of_the_history(predictions, shades, signed_in, user):
    first, second, third = predictions
    fourth = make_prediction(user, make_image(0))
    page = signed_in.get(first.get_absolute_url(), {"label": "black", "order": "x"})
    assert (page.context["newer"], page.context["older"], page.context["query"]) == (fourth.pk, None, "label=black")
    page = signed_in.get(second.get_absolute_url())
    assert (page.context["newer"], page.context["older"]) == (third.pk, first.pk)
