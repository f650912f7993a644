"""Reviews in the admin: actions and filters of the list of predictions, and the reviews of one prediction."""

import csv
import io
import re

import pytest
from django.urls import reverse

from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import predict, review_prediction, withdraw_review
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
LIST_URL = reverse("admin:predictions_prediction_changelist")


@pytest.fixture
def predictions(shades, user):
    return [make_prediction(user, make_image(shade), name=f"{shade}.png") for shade in (0, 127, 255)]


@pytest.fixture
def reviewer_client(client, reviewer):
    client.force_login(reviewer)
    return client


def run_action(client, action, rows, **fields):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": 0, **fields}
    return client.post(LIST_URL, data, follow=True)


def get_messages(response):
    return " ".join(str(message) for message in response.context["messages"])


@pytest.mark.parametrize(
    ("action", "true_output", "expected"),
    [
        ("mark_correct", "", {("correct", "black"), ("correct", "white")}),
        ("mark_unsure", "", {("unsure", "")}),
        ("mark_incorrect", "grey", {("incorrect", "grey")}),
    ],
)
def test_actions_review_the_selected_predictions_and_show_each_result(
    predictions, reviewer_client, reviewer, action, true_output, expected
):
    response = run_action(reviewer_client, action, [predictions[0], predictions[2]], true_output=true_output)
    reviews = Review.objects.all()
    assert {(review.verdict, review.true_label) for review in reviews} == expected
    assert {(review.reviewer, review.picked_by) for review in reviews} == {(reviewer, "manual")}
    assert {review.prediction for review in reviews} == {predictions[0], predictions[2]}
    assert "Saved reviews: 2." in get_messages(response)
    assert "0.png" in get_messages(response)
    assert "255.png" in get_messages(response)


def test_valid_reviews_are_saved_even_if_others_are_invalid(predictions, reviewer_client):
    response = run_action(reviewer_client, "mark_incorrect", predictions, true_output="grey")
    assert Review.objects.count() == 2
    assert "Saved reviews: 2." in get_messages(response)
    assert "Reviews not saved: 1." in get_messages(response)
    assert "the true label is the same as the prediction, grey" in get_messages(response)


def test_marking_incorrect_requires_the_true_label(predictions, reviewer_client):
    assert "Choose the true label" in get_messages(run_action(reviewer_client, "mark_incorrect", predictions))
    assert not Review.objects.exists()


def test_marking_values_incorrect_requires_a_number(flowers, user, reviewer_client):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    assert "such as 5.1" in get_messages(run_action(reviewer_client, "mark_incorrect", [row], true_output="many"))
    assert not Review.objects.exists()
    run_action(reviewer_client, "mark_incorrect", [row], true_output="8.5")
    assert Review.objects.get().true_value == 8.5


def test_too_many_selected_predictions_are_rejected(predictions, reviewer_client, monkeypatch):
    monkeypatch.setattr("predictions.admin.review_actions.MAX_SELECTED_PREDICTIONS", 2)
    assert "at most 2" in get_messages(run_action(reviewer_client, "mark_correct", predictions))
    assert not Review.objects.exists()


def test_selected_predictions_are_exported(predictions, reviewer_client):
    data = {"action": "export_as_csv", "_selected_action": [str(predictions[0].pk), str(predictions[2].pk)], "index": 0}
    response = reviewer_client.post(LIST_URL, data)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [row["original_name"] for row in rows] == ["255.png", "0.png"]
    assert [row["user"] for row in rows] == ["ada", "ada"]


def test_actions_require_a_reviewer(predictions, client, user, make_user):
    data = {"action": "mark_correct", "_selected_action": [str(predictions[0].pk)], "index": 0}
    for person, status in ((user, 302), (make_user(is_staff=True), 403)):
        client.force_login(person)
        assert client.post(LIST_URL, data).status_code == status
    assert not Review.objects.exists()


@pytest.mark.parametrize("action", ["mark_correct", "export_as_csv"])
@pytest.mark.parametrize("key", ["abc", "", "-1", "\0", "' or 1=1"])
def test_invalid_selected_ids_are_rejected(predictions, reviewer_client, action, key):
    response = reviewer_client.post(
        LIST_URL, {"action": action, "_selected_action": [key, str(predictions[0].pk)], "index": 0}
    )
    assert response.status_code == 400
    assert not Review.objects.exists()


@pytest.mark.parametrize("query", ["verdict__exact", "picked_by__exact", "true_label", "x"])
def test_null_characters_in_filters_are_rejected(predictions, reviewer_client, query):
    for name in ("review", "prediction", "input"):
        address = reverse(f"admin:predictions_{name}_changelist")
        assert reviewer_client.get(address, {query: "a\0"})["Location"] == f"{address}?e=1"


def test_marking_correct_with_another_true_label_is_rejected(predictions, reviewer_client):
    assert "differs from the prediction, white" in get_messages(
        run_action(reviewer_client, "mark_correct", [predictions[2]], true_output="grey")
    )
    assert not Review.objects.exists()


def test_there_is_no_delete_action(predictions, client, superuser):
    client.force_login(superuser)
    html = client.get(LIST_URL).content.decode()
    assert "mark_correct" in html
    assert "delete_selected" not in html


@pytest.mark.parametrize(
    ("state", "places"),
    [("unreviewed", [3]), ("agreed", [0]), ("disagreed", [1]), ("differ", [2]), ("", [3, 2, 1, 0]), ("x", [3, 2, 1, 0])],
)
def test_filter_by_review_state(predictions, user, reviewer_client, reviewer, other, state, places):
    predictions.append(make_prediction(user, make_image(60)))
    review_prediction(prediction=predictions[0], reviewer=reviewer, verdict="correct")
    review_prediction(prediction=predictions[0], reviewer=other, verdict="unsure")
    review_prediction(prediction=predictions[1], reviewer=reviewer, true_label="white")
    review_prediction(prediction=predictions[2], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=predictions[2], reviewer=other, verdict="correct")
    review_prediction(prediction=predictions[3], reviewer=other, verdict="correct")
    withdraw_review(prediction=predictions[3], reviewer=other)
    results = reviewer_client.get(LIST_URL, {"review": state}).context["cl"].result_list
    assert list(results) == [predictions[place] for place in places]


def test_date_hierarchy_is_hidden_when_filtering_by_review(predictions, reviewer_client):
    assert "toplinks" in reviewer_client.get(LIST_URL).content.decode()
    assert "toplinks" not in reviewer_client.get(LIST_URL, {"review": "unreviewed"}).content.decode()


@pytest.mark.parametrize(("first", "second", "conflicts"), [(9.5, 9.5, 0), (9.5, 10.5, 1), (None, 10.5, 1), (None, None, 0)])
def test_reviews_of_values_conflict_when_the_true_values_differ(
    flowers, user, reviewer_client, reviewer, other, first, second, conflicts
):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    for person, value in ((reviewer, first), (other, second)):
        verdict = {"verdict": "correct"} if value is None else {"true_value": value}
        review_prediction(prediction=row, reviewer=person, **verdict)
    assert len(reviewer_client.get(LIST_URL, {"review": "differ"}).context["cl"].result_list) == conflicts


def test_incorrect_reviews_conflict_when_the_true_labels_differ(predictions, reviewer_client, reviewer, other):
    review_prediction(prediction=predictions[2], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=predictions[2], reviewer=other, true_label="black")
    response = reviewer_client.get(LIST_URL, {"review": "differ"})
    assert list(response.context["cl"].result_list) == [predictions[2]]
    assert re.findall(r'field-review_text">([^<]*)<', response.content.decode()) == ["Incorrect: black · Incorrect: grey"]


def test_prediction_page_shows_reviews_and_review_buttons(predictions, reviewer_client, reviewer, other):
    review_prediction(prediction=predictions[2], reviewer=other, true_label="grey", comment="<b>dim</b>")
    page = reverse("admin:predictions_prediction_change", args=[predictions[2].pk])
    html = reviewer_client.get(page).content.decode()
    assert "&lt;b&gt;dim&lt;/b&gt;" in html
    assert "eve" in html
    assert "Mark correct" in html
    response = reviewer_client.post(
        reverse("predictions:review", args=[predictions[2].pk]), {"verdict": "correct", "next": page}, follow=True
    )
    assert response.redirect_chain == [(page, 302)]
    assert "Your review: <strong>Correct" in response.content.decode()
    assert Review.objects.active().filter(reviewer=reviewer).get().verdict == "correct"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_reviews_do_not_redirect_to_other_sites(predictions, client, user, url):
    client.force_login(user)
    response = client.post(reverse("predictions:review", args=[predictions[2].pk]), {"verdict": "correct", "next": url})
    assert response["Location"] == predictions[2].get_absolute_url()


def test_list_shows_the_newest_review(predictions, reviewer_client, reviewer):
    review_prediction(prediction=predictions[0], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=predictions[1], reviewer=reviewer, verdict="correct")
    page = reviewer_client.get(LIST_URL).content.decode()
    assert page.count('<td class="field-review_text">Incorrect: grey</td>') == 1
    assert page.count('<td class="field-review_text">Correct') == 1
    assert page.count('<td class="field-review_text">–</td>') == 1
