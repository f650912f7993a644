"""Reviews and exports of selected predictions of the History page, and saved filters."""

import re

import pytest

from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions.models import SavedFilter
from predictions.services import predict
from predictions.tests.factories import make_prediction
from predictions.views import bulk_reviews
from registry.services import register_model

pytestmark = pytest.mark.django_db
URL = "/predictions/"


def test_selected_predictions_are_reviewed_and_exported(shades, client, signed_in, user, other):
    rows = [make_prediction(user), make_prediction(user, make_image(0)), make_prediction(other)]
    data = {"id": [row.pk for row in rows], "action": "correct", "next": URL}
    for _ in range(2):
        text = get_text(signed_in.post(f"{URL}selection/", data, follow=True))
        assert "2 reviews saved: marked correct." in text
    assert [row.reviews.filter(withdrawn_at=None).count() for row in rows] == [1, 1, 0]
    response = signed_in.post(f"{URL}selection/", data | {"action": "csv"})
    assert re.fullmatch(r'attachment; filename="predictions-[-\d]+\.csv"', response["Content-Disposition"])
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["id", str(rows[1].pk), str(rows[0].pk)]


def test_predictions_without_a_new_review_stay_selected(shades, signed_in, user):
    rows = [make_prediction(user), make_prediction(user, make_image(0)), make_prediction(user)]
    data = {"id": [row.pk for row in rows[:2]], "action": "incorrect", "next": f"{URL}?label=white&label=black"}
    page = signed_in.post(f"{URL}selection/", data | {"true_output": "white"}, follow=True)
    text = get_text(page)
    assert "1 of 2 reviews saved. 1 not saved: white, a.png" in text
    assert "the true label is the same as the prediction, white." in text
    assert page.redirect_chain[-1][0] == f"{URL}?label=white&label=black&selected=1"
    failed = next(row for row in rows[:2] if row.label == "white")
    assert list_checked(page) == [str(failed.pk)]
    assert 'value="white"' in page.content.decode()
    assert "selected=1" not in page.context["query"].encoded
    assert list_checked(signed_in.get(URL)) == []
    page = signed_in.post(f"{URL}selection/", data | {"true_output": "", "next": page.redirect_chain[-1][0]}, follow=True)
    text = get_text(page)
    assert "No review saved." in text and "Choose the true label: one of grey, white." in text
    assert len(list_checked(page)) == 2
    page = signed_in.post(f"{URL}selection/", data | {"action": "correct", "next": page.redirect_chain[-1][0]}, follow=True)
    assert page.redirect_chain[-1][0] == data["next"] and list_checked(page) == []
    page = signed_in.post(f"{URL}selection/", {"action": "incorrect", "true_output": "grey"}, follow=True)
    assert "Select 1 to 200 predictions" in get_text(page)
    assert 'value="grey"' in page.content.decode()


def test_each_selected_prediction_reads_the_true_output_as_its_own_kind(
    shades, flowers, blends, write_dummy, signed_in, user
):
    image, blend = make_prediction(user, model="shades"), make_prediction(user, model="blends")
    row = predict(user=user, source="api", features={"length": 4.5, "petals": 5}, model="flowers")
    page = signed_in.get(URL)
    field = page.context["true_output_field"]
    assert (str(field.title), field.is_needed, field.is_required) == ("True label or value", True, True)
    assert set(field.labels) >= {"black", "grey", "white"}
    register_model(path=write_dummy(name="pairs", labels=["black", "white"]), promote=True)
    make_prediction(user, model="pairs")  # the other label is the true one
    fields = [signed_in.get(URL, query).context["true_output_field"] for query in ({}, {"model": "pairs"})]
    assert [(field.is_needed, field.is_required) for field in fields] == [(True, False), (False, False)]
    page = signed_in.get(URL, {"model": "shades"}).content.decode()
    assert re.search(
        r'True label\s+<small>needed to mark incorrect</small>.*?required>.*?value="incorrect">', page, re.DOTALL
    )
    data = {"id": [image.pk, blend.pk, row.pk], "action": "incorrect", "true_output": "black", "next": URL}
    text = get_text(signed_in.post(f"{URL}selection/", data, follow=True))
    assert "2 of 3 reviews saved. 1 not saved: " in text
    assert "Expected a number such as 5.1. Received: " in text
    assert [image.reviews.get().true_label, blend.reviews.get().true_labels, row.reviews.count()] == ["black", ["black"], 0]


def test_long_lists_of_errors_are_folded(shades, signed_in, user, monkeypatch):
    monkeypatch.setattr(bulk_reviews, "MAX_LISTED_ERRORS", 1)
    rows = [make_prediction(user) for _ in range(3)]
    data = {"id": [row.pk for row in rows], "action": "incorrect", "true_output": "blue", "next": URL}
    page = signed_in.post(f"{URL}selection/", data, follow=True).content.decode()
    assert "<summary>2 more</summary>" in page
    assert page.count("Expected one of black, grey, white.") == 3


def list_checked(page):
    return re.findall(r'name="id"\s+value="([^"]+)"\s+checked', page.content.decode())


def test_filters_are_saved_renamed_and_deleted_by_their_user(shades, client, signed_in, other, user):
    query = "verdict=incorrect&range=last-month&older=x"
    signed_in.post(f"{URL}filters/", {"name": "Wrong", "query": query})
    row = SavedFilter.objects.get(user=user)
    assert row.query == "verdict=incorrect&range=last-month"
    assert f'href="{URL}?verdict=incorrect&amp;range=last-month"' in signed_in.get(URL).content.decode()
    url = f"{URL}filters/{row.pk}/"
    signed_in.post(url, {"name": "Errors"})
    assert SavedFilter.objects.get().name == "Errors"
    client.force_login(other)
    assert client.post(url, {"action": "delete"}).status_code == 404
    client.force_login(user)
    client.post(url, {"action": "delete"})
    assert not SavedFilter.objects.exists()
