"""The review queue in the admin: who may, what a page holds, what a press does."""

import re

import pytest
from django.urls import reverse

from inference.tests.factories import make_image, make_noise_image
from predictions.admin.review_queue import choices_for
from predictions.models import Prediction, Review, ReviewClaim
from predictions.services import predict
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
QUEUE = reverse("admin:predictions_review_queue")


@pytest.fixture
def asked(shades, user):
    return [make_prediction(user, make_image(shade)) for shade in (0, 127, 255)]


@pytest.fixture
def rosa(client, reviewer):
    client.force_login(reviewer)
    return client


def press(client, version, prediction=None, order="newest", script=True, **fields):
    address = f"{QUEUE}?version={version.pk}&order={order}"
    data = fields | ({"prediction": str(prediction.pk)} if prediction else {})
    return client.post(address, data, headers={"accept": "application/json" if script else "text/html"})


def test_it_is_for_reviewers(shades, asked, client, user, make_user, reviewer, superuser):
    assert client.get(QUEUE).status_code == 302
    staff = make_user(is_staff=True)
    for person, status in ((user, 302), (staff, 403), (reviewer, 200), (superuser, 200)):
        client.force_login(person)
        assert client.get(QUEUE).status_code == status
        pressed = press(client, shades, asked[2], verdict="correct")
        assert pressed.status_code == status
    assert {one.reviewer for one in Review.objects.all()} == {reviewer}
    assert Review.objects.count() == 1


def test_a_page_shows_one_and_has_the_next_ready(asked, rosa):
    page = rosa.get(QUEUE, {"order": "newest", "version": asked[0].model_version_id})
    html = page.content.decode()
    assert [item["id"] for item in page.context["items"]] == [str(asked[2].pk), str(asked[1].pk)]
    assert html.count("queue-slot") == 2
    assert re.findall(r'data-id="(\S+)"\s+(hidden)?', html) == [(str(asked[2].pk), ""), (str(asked[1].pk), "hidden")]
    assert f'src="/api/v1/inputs/{asked[1].input_id}/image/"' in html


def test_the_default_is_the_default_model_at_random(asked, rosa):
    page = rosa.get(QUEUE)
    assert (page.context["version"], page.context["order"]) == (asked[0].model_version, "random")
    assert set(ReviewClaim.objects.values_list("picked_by", flat=True)) == {"random"}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"verdict": "correct"}, ("correct", "white", None)),
        ({"verdict": "unsure"}, ("unsure", "", None)),
        ({"true_label": "grey"}, ("incorrect", "grey", None)),
        ({"true_label": "white"}, ("correct", "white", None)),
    ],
)
def test_a_press_is_kept_with_its_order_and_brings_the_next(asked, shades, rosa, reviewer, fields, kept):
    rosa.get(QUEUE, {"order": "newest", "version": shades.pk})
    answer = press(rosa, shades, asked[2], **fields).json()
    review = Review.objects.get()
    assert (review.verdict, review.true_label, review.true_value) == kept
    assert (review.picked_by, review.reviewer, review.prediction) == ("newest", reviewer, asked[2])
    assert [item["id"] for item in answer["items"]] == [str(asked[1].pk), str(asked[0].pk)]
    assert (answer["said"][:8], answer["error"]) == ("Stored: ", "")


def test_skip_and_undo(asked, shades, rosa):
    skipped = press(rosa, shades, asked[2], verdict="skip").json()
    assert [item["id"] for item in skipped["items"]] == [str(asked[1].pk), str(asked[0].pk)]
    undone = press(rosa, shades, verdict="undo").json()
    assert (undone["said"], undone["items"][0]["id"]) == ("Taken back.", str(asked[2].pk))
    assert "nothing to take back" in press(rosa, shades, verdict="undo").json()["said"]
    assert not Review.objects.exists()


def test_without_a_script_a_press_leads_to_the_next_page(asked, shades, rosa):
    answer = press(rosa, shades, asked[2], script=False, verdict="correct")
    assert answer.status_code == 302
    page = rosa.get(answer["Location"])
    assert "Stored: white is right." in page.content.decode()
    assert page.context["items"][0]["id"] == str(asked[1].pk)


def test_a_wrong_press_is_told_and_nothing_is_kept(asked, shades, rosa):
    answer = press(rosa, shades, asked[2], true_label="blue").json()
    assert "blue" in answer["error"]
    assert answer["items"][0]["id"] == str(asked[2].pk)
    press(rosa, shades, asked[2], verdict="incorrect", script=False)
    assert not Review.objects.exists()


def test_of_anothers_item_the_second_is_told(asked, shades, rosa, superuser, client):
    press(rosa, shades, asked[2], verdict="correct")
    client.force_login(superuser)
    answer = press(client, shades, asked[2], verdict="unsure").json()
    assert "rosa judged it meanwhile" in answer["error"]
    assert Review.objects.count() == 1


def test_without_an_order_a_press_is_kept_too(asked, rosa):
    answer = rosa.post(QUEUE, {"prediction": str(asked[0].pk), "verdict": "correct"})
    assert answer.status_code == 302
    assert Review.objects.get().verdict == "correct"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("order=best", 400),
        ("order=label", 400),
        ("order=label&label=blue", 400),
        ("order=label&label=grey", 200),
        ("version=7", 404),
        ("version=01a1fb01-0971-77a1-91ee-40e3b3456e9b", 404),
    ],
)
def test_a_wrong_question_is_told(asked, rosa, query, status):
    assert rosa.get(f"{QUEUE}?{query}").status_code == status


@pytest.mark.parametrize("key", ["", "x", "01a1fb01-0971-77a1-91ee-40e3b3456e9b"])
def test_an_unknown_prediction_is_not_found(asked, shades, rosa, key):
    answer = rosa.post(f"{QUEUE}?version={shades.pk}&order=newest", {"prediction": key, "verdict": "correct"})
    assert answer.status_code == 404


def test_a_prediction_of_another_version_is_not_judged_here(asked, shades, rosa, user, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    newer = make_prediction(user, make_noise_image(1))
    assert press(rosa, shades, newer, verdict="correct").status_code == 404
    assert press(rosa, second, newer, verdict="correct").status_code == 200


def test_no_model_and_an_empty_queue_say_so(client, reviewer, db, write_dummy):
    client.force_login(reviewer)
    assert "There is no model yet" in client.get(QUEUE).content.decode()
    register_model(path=write_dummy(), promote=True)
    assert "Nothing waits here" in client.get(QUEUE).content.decode()


def test_a_value_is_typed_and_a_wrong_one_told(flowers, user, rosa):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    page = rosa.get(QUEUE, {"version": flowers.pk}).content.decode()
    assert 'name="true_value"' in page
    assert "petals" in page
    assert "such as 5.1" in press(rosa, flowers, row, true_value="4,5").json()["error"]
    press(rosa, flowers, row, true_value="4.5")
    assert Review.objects.get().true_value == 4.5


def test_few_labels_keep_their_places_and_keys(asked):
    rows = choices_for(asked[2])["rows"]
    assert [(label, key) for label, _, key in rows] == [("black", "1"), ("grey", "2"), ("white", "3")]


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        ([str(number) for number in range(10)], list("0123456789")),
        ([f"l{number:02}" for number in range(10)], [*"123456789", ""]),
    ],
)
def test_ten_labels_have_keys_and_digits_are_typed_as_they_are(db, write_dummy, user, labels, keys):
    register_model(path=write_dummy(labels=labels), promote=True)
    choices = choices_for(make_prediction(user))
    assert [key for _, _, key in choices["rows"]] == keys
    assert choices["others"] == []


def test_of_many_labels_the_likeliest_have_keys_and_the_rest_a_list(db, write_dummy, user):
    labels = [f"l{number:02}" for number in range(30)]
    register_model(path=write_dummy(labels=labels), promote=True)
    choices = choices_for(Prediction.objects.with_related().get(pk=make_prediction(user).pk))
    assert choices["rows"][0][0] == "l29"
    assert [key for _, _, key in choices["rows"]] == list("123456789")
    assert sorted([label for label, _, _ in choices["rows"]] + choices["others"]) == labels


def test_a_label_without_scores_has_a_row_and_the_others_a_list(db, write_dummy, user):
    labels = [f"l{number:02}" for number in range(12)]
    register_model(path=write_dummy(labels=labels), promote=True)
    prediction = Prediction.objects.with_related().get(pk=make_prediction(user, make_image(255)).pk)
    prediction.output = {"label": prediction.label}
    choices = choices_for(prediction)
    assert choices["rows"] == [("l11", None, "1")]
    assert choices["others"] == labels[:-1]


def test_a_press_takes_a_bounded_number_of_queries(asked, shades, rosa, django_assert_max_num_queries):
    rosa.get(QUEUE, {"order": "newest", "version": shades.pk})
    with django_assert_max_num_queries(35):
        press(rosa, shades, asked[2], verdict="correct")


def test_an_order_that_another_version_has_not_falls_back_to_random(flowers, user, rosa):
    predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    page = rosa.get(QUEUE, {"version": flowers.pk, "order": "uncertain"})
    assert page.status_code == 200
    assert '<option value="random" selected>' in page.content.decode()
    assert rosa.get(QUEUE, {"version": flowers.pk, "order": "nonsense"}).status_code == 400
