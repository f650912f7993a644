"""Reviews of multi-label predictions through the API, the pages, the review queue and the admin."""

import re

import pytest
from django.urls import reverse

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
QUEUE_URL = reverse("admin:predictions_review_queue")
LIST_URL = reverse("admin:predictions_prediction_changelist")


@pytest.fixture
def dark(blends, user):
    """Return a prediction of black and grey."""
    return make_prediction(user, make_image(64), client_reference="ref-64")


@pytest.fixture
def many(write_dummy, user):
    """Return a prediction of one of 30 labels, the last one."""
    labels = [f"label {number}" for number in range(30)]
    folder = write_dummy(labels=labels, fixed=[number / 50 for number in range(30)])
    with (folder / "model.toml").open("a") as file:
        file.write('[output]\nkind = "labels"\nactivation = "none"\nthresholds = [0.579]\n')
    register_model(path=folder, promote=True)
    return make_prediction(user)


def list_boxes(html):
    """Return the labels with a check box, and whether each is checked."""
    boxes = re.findall(r'<input type="checkbox"\s+name="true_labels"\s+value="([^"]*)"([^>]*)>', html)
    return {label: bool(re.search(r"\schecked\b", attributes)) for label, attributes in boxes}


def list_options(html):
    return re.findall(r'<option value="(label [^"]*)"', html)


def get_stored():
    return Review.objects.active().values_list("verdict", "true_labels").get()


def test_api_stores_and_shows_true_labels(dark, api):
    url = f"{PREDICTIONS_URL}{dark.pk}/"
    response = api.post(f"{url}reviews/", {"true_labels": ["white", "grey"]}, content_type="application/json")
    assert response.status_code == 201, response.content
    for shown in (response.json(), api.get(url).json()["review"], api.get(f"{url}reviews/").json()[0]):
        assert (shown["verdict"], shown["true_labels"]) == ("incorrect", ["grey", "white"])
        assert (shown["true_label"], shown["true_value"]) == ("", None)
    assert api.post(f"{url}reviews/", {"true_labels": []}, content_type="application/json").json()["true_labels"] == []
    assert api.post(f"{url}reviews/", {"verdict": "unsure"}, content_type="application/json").json()["true_labels"] is None


@pytest.mark.parametrize("labels", ["grey", [1], {"grey": True}, [["grey"]], ["grey"] * 10_001])
def test_api_rejects_other_types(dark, api, labels):
    url = f"{PREDICTIONS_URL}{dark.pk}/reviews/"
    response = api.post(url, {"true_labels": labels}, content_type="application/json")
    assert assert_problem(response, 400, "wrong-type")["errors"][0]["field"] == "true_labels"


def test_api_accepts_forms(dark, api):
    assert api.post(f"{PREDICTIONS_URL}{dark.pk}/reviews/", {"true_labels": ["grey", "white"]}).status_code == 201
    assert get_stored() == ("incorrect", ["grey", "white"])


def test_ground_truth_takes_true_labels(dark, api, blends, user):
    second = make_prediction(user, make_image(255))
    items = [
        {"client_reference": "ref-64", "true_labels": ["grey"]},
        {"id": str(second.pk), "true_labels": ["gray"]},
        {"id": str(second.pk), "true_labels": "grey"},
        {"id": str(second.pk), "true_labels": ["white"]},
    ]
    body = api.post("/api/v1/ground-truth/", {"items": items}, content_type="application/json").json()
    assert [(row["code"], row["field"]) for row in body["results"]] == [
        (None, None), ("unknown-label", "true_labels"), ("wrong-type", "true_labels"), (None, None),
    ]  # fmt: skip
    reviews = [row["review"] and (row["review"]["verdict"], row["review"]["true_labels"]) for row in body["results"]]
    assert reviews == [("incorrect", ["grey"]), None, None, ("correct", ["white"])]


def test_page_has_a_check_box_for_each_label(dark, signed_in):
    html = signed_in.get(dark.get_absolute_url()).content.decode()
    assert list_boxes(html) == {"black": True, "grey": True, "white": False}
    assert html.index("Save labels") < html.index("Mark correct")  # Enter in a check box presses the first button
    assert "Mark incorrect" not in html


@pytest.mark.parametrize(
    ("fields", "expected", "text"),
    [
        ({"true_labels": ["", "grey"]}, ("incorrect", ["grey"]), "True labels: <strong>grey</strong>"),
        ({"true_labels": [""]}, ("incorrect", []), "True labels: <strong>no label</strong>"),
        ({"true_labels": ["", "black", "grey"]}, ("correct", ["black", "grey"]), "Your review: <strong>Correct</strong>"),
        ({"true_labels": ["", "black", "grey"], "verdict": "correct"}, ("correct", ["black", "grey"]), "Correct"),
        ({"true_labels": ["", "white"], "verdict": "unsure"}, ("unsure", None), "Your review: <strong>Unsure</strong>"),
    ],
)
def test_page_stores_the_checked_labels(dark, signed_in, fields, expected, text):
    response = signed_in.post(f"/predictions/{dark.pk}/review/", fields, follow=True)
    assert text in response.content.decode()
    assert get_stored() == expected


def test_changed_labels_contradict_mark_correct_and_stay_checked(dark, signed_in):
    fields = {"true_labels": ["", "white"], "verdict": "correct"}
    response = signed_in.post(f"/predictions/{dark.pk}/review/", fields, headers={"hx-request": "true"})
    assert response.status_code == 400
    assert "list of true labels differs" in response.content.decode()
    assert list_boxes(response.content.decode()) == {"black": False, "grey": False, "white": True}
    assert not Review.objects.exists()


def test_rare_labels_of_many_are_in_a_select_field(many, signed_in, reviewer, client):
    page = signed_in.get(many.get_absolute_url()).content.decode()
    client.force_login(reviewer)
    address = f"{QUEUE_URL}?version={many.model_version_id}&order=newest"
    queue = client.post(address, {"action": "start"}, follow=True).content.decode()
    for html in (page, queue):
        boxes = list_boxes(html)
        assert list(boxes) == [f"label {number}" for number in range(29, 17, -1)]
        assert [label for label, is_checked in boxes.items() if is_checked] == ["label 29"]
        assert list_options(html) == [f"label {number}" for number in range(18)]


@pytest.mark.parametrize(
    ("fields", "expected", "message"),
    [
        ({"true_labels": ["", "black", "grey"], "verdict": "correct"}, "correct", "Saved: “black, grey” marked correct."),
        ({"true_labels": ["", "white"]}, "incorrect", "Saved: corrected from black, grey to white."),
        ({"true_labels": [""]}, "incorrect", "Saved: corrected from black, grey to no label."),
        ({"true_labels": ["", "white"], "verdict": "unsure"}, "unsure", "Saved: “black, grey” marked unsure."),
    ],
)
def test_queue_stores_the_checked_labels(dark, client, reviewer, fields, expected, message):
    client.force_login(reviewer)
    address = f"{QUEUE_URL}?version={dark.model_version_id}&order=margin"
    html = client.post(address, {"action": "start"}, follow=True).content.decode()
    assert list_boxes(html) == {"black": True, "grey": True, "white": False}
    assert re.findall(r'data-key="(\w+)"', html) == ["i", "Enter", "n", "u", "s", "1", "2", "3", "c"]
    page = client.post(address, {"prediction": str(dark.pk), **fields}, follow=True).content.decode()
    assert message in page
    assert Review.objects.values_list("verdict", "picked_by").get() == (expected, "margin")


@pytest.mark.parametrize(
    ("action", "text", "expected"),
    [
        ("mark_correct", "", ("correct", ["black", "grey"])),
        ("mark_incorrect", "white, grey", ("incorrect", ["grey", "white"])),
        ("mark_incorrect", "grey", ("incorrect", ["grey"])),
    ],
)
def test_admin_actions_take_labels_separated_by_commas(dark, client, reviewer, action, text, expected):
    client.force_login(reviewer)
    data = {"action": action, "_selected_action": [str(dark.pk)], "true_output": text}
    assert "Saved reviews: 1." in client.post(LIST_URL, data, follow=True).content.decode()
    assert get_stored() == expected


@pytest.mark.parametrize(
    ("text", "message"), [("", "Choose all true labels"), (",", "Choose all true labels"), ("grey, gray", "Did you mean")]
)
def test_admin_actions_reject_missing_and_unknown_labels(dark, client, reviewer, text, message):
    client.force_login(reviewer)
    data = {"action": "mark_incorrect", "_selected_action": [str(dark.pk)], "true_output": text}
    assert message in client.post(LIST_URL, data, follow=True).content.decode()
    assert not Review.objects.exists()


def test_admin_and_history_show_true_labels(dark, client, reviewer, user):
    review = review_prediction(prediction=dark, reviewer=user, true_labels=["grey", "white"])
    client.force_login(reviewer)
    addresses = [
        LIST_URL,
        reverse("admin:predictions_prediction_change", args=[dark.pk]),
        reverse("admin:predictions_review_changelist"),
        reverse("admin:predictions_review_change", args=[review.pk]),
        "/predictions/",
    ]
    for address in addresses:
        html = client.get(address).content.decode()
        assert "black, grey" in html, address
        assert re.search("grey.*white", html), address
