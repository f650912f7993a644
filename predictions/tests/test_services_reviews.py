"""What people say of predictions: the service and the API."""

import pytest
from django.urls import reverse

from core.tests.problems import assert_problem
from inference.tests.factories import make_image
from predictions.models import Prediction, Review
from predictions.services import predict, review_prediction, withdraw_review
from predictions.services.reviews import InvalidReview, NotReviewable
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

pytestmark = pytest.mark.django_db


def address(prediction):
    return f"{PREDICTIONS_URL}{prediction.pk}/reviews/"


def say(api, prediction, **opinion):
    return api.post(address(prediction), opinion, content_type="application/json")


@pytest.fixture
def white(shades, user):
    return make_prediction(user, make_image(255))


@pytest.fixture
def row(flowers, user):
    return predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")


@pytest.mark.parametrize(
    ("opinion", "kept"),
    [
        ({"verdict": "correct"}, ("correct", "white")),
        ({"verdict": "incorrect", "true_label": "grey"}, ("incorrect", "grey")),
        ({"verdict": "unsure"}, ("unsure", "")),
        ({"true_label": "white"}, ("correct", "white")),
        ({"true_label": "black"}, ("incorrect", "black")),
        ({"verdict": "correct", "true_label": "white", "comment": "clear"}, ("correct", "white")),
    ],
)
def test_an_opinion_of_a_label_is_kept_with_what_follows(white, api, user, opinion, kept):
    body = say(api, white, **opinion)
    assert body.status_code == 201, body.content
    review = Review.objects.get()
    assert (review.verdict, review.true_label) == kept
    assert (review.reviewer, review.picked_by, review.prediction) == (user, "api", white)
    shown = api.get(f"{PREDICTIONS_URL}{white.pk}/").json()["review"]
    assert (shown["verdict"], shown["true_label"], shown["mine"], shown["reviewer"]) == (*kept, True, "ada")


@pytest.mark.parametrize(
    ("opinion", "code"),
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
def test_an_opinion_that_cannot_be_is_refused_and_not_kept(white, api, opinion, code):
    assert_problem(say(api, white, **opinion), 400, code)
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("opinion", "kept"),
    [
        ({"true_value": 9.0}, ("correct", 9.0)),
        ({"true_value": 11}, ("incorrect", 11.0)),
        ({"verdict": "correct"}, ("correct", None)),
        ({"verdict": "unsure"}, ("unsure", None)),
    ],
)
def test_an_opinion_of_a_value(row, api, opinion, kept):
    assert say(api, row, **opinion).status_code == 201
    review = Review.objects.get()
    assert (review.verdict, review.true_value) == kept


@pytest.mark.parametrize(
    ("opinion", "code"),
    [
        ({"verdict": "incorrect"}, "required"),
        ({"true_label": "red"}, "wrong-truth"),
        ({"verdict": "incorrect", "true_value": 9}, "contradiction"),
    ],
)
def test_a_wrong_opinion_of_a_value(row, api, opinion, code):
    assert_problem(say(api, row, **opinion), 400, code)


def test_of_two_labels_the_other_one_follows(db, write_dummy, user):
    from registry.services import register_model

    register_model(path=write_dummy(labels=["dark", "light"]), promote=True)
    review = review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=user, verdict="incorrect")
    assert review.true_label == "dark"


def test_a_new_opinion_withdraws_the_earlier_one_and_nothing_is_overwritten(white, user, other):
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    review_prediction(prediction=white, reviewer=other, verdict="incorrect", true_label="grey")
    review_prediction(prediction=white, reviewer=user, verdict="unsure")
    kept = [(one.reviewer.username, one.verdict, one.withdrawn_at is None) for one in Review.objects.order_by("id")]
    assert kept == [("ada", "correct", False), ("eve", "incorrect", True), ("ada", "unsure", True)]
    assert withdraw_review(prediction=white, reviewer=user)
    assert not withdraw_review(prediction=white, reviewer=user)
    assert Review.objects.active().get().reviewer == other


def test_what_failed_cannot_be_judged(register_failing, user, api):
    failed_by = register_failing(nan=True)
    failed = make_prediction(user, model=str(failed_by))
    assert_problem(say(api, failed, verdict="correct"), 409, "not-reviewable")
    with pytest.raises(NotReviewable):
        review_prediction(prediction=failed, reviewer=user, verdict="correct")


def test_a_nan_is_no_true_value(row, user):
    with pytest.raises(InvalidReview):
        review_prediction(prediction=row, reviewer=user, true_value=float("nan"))


def test_others_may_not_and_reviewers_may(white, other, reviewer, token_headers, client):
    eve, rosa = ({"headers": token_headers(person), "content_type": "application/json"} for person in (other, reviewer))
    unknown = f"{PREDICTIONS_URL}01a1fb01-0971-77a1-91ee-40e3b3456e9b/reviews/"
    theirs = client.post(address(white), {"verdict": "correct"}, **eve)
    assert (theirs.status_code, theirs.content) == (404, client.post(unknown, {"verdict": "correct"}, **eve).content)
    assert client.get(address(white), **eve).status_code == 404
    assert client.post(address(white), {"verdict": "correct"}, content_type="application/json").status_code == 401
    assert not Review.objects.exists()
    assert client.post(address(white), {"verdict": "correct"}, **rosa).status_code == 201
    assert Review.objects.get().reviewer == reviewer


def test_the_owner_learns_the_verdict_and_not_whose_it_is(white, reviewer, other, api):
    for person in (reviewer, other):
        review_prediction(prediction=white, reviewer=person, verdict="unsure")
    shown = api.get(address(white)).json()
    assert [(one["verdict"], one["mine"], one["reviewer"]) for one in shown] == [("unsure", False, None)] * 2
    assert api.delete(address(white)).status_code == 404
    say(api, white, verdict="correct")
    assert api.delete(address(white)).status_code == 204


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
def test_filters_by_review(three, api, user, query, expected):
    black, _, white = three
    review_prediction(prediction=white, reviewer=user, verdict="correct")
    review_prediction(prediction=black, reviewer=user, verdict="unsure")
    review_prediction(prediction=black, reviewer=user, true_label="grey")
    found = api.get(PREDICTIONS_URL, query).json()["results"]
    assert [one["client_reference"] for one in found] == expected


# --- many at once


def truths(api, items):
    return api.post("/api/v1/ground-truth/", {"items": items}, content_type="application/json")


def test_many_are_judged_at_once_each_with_its_result(three, api, user, other):
    black, grey, white = three
    foreign = make_prediction(other, client_reference="theirs")
    twin = [make_prediction(user, client_reference="twin") for _ in range(2)]
    items = [
        {"id": str(black.pk), "true_label": "black"},
        {"client_reference": "ref-127", "verdict": "incorrect", "true_label": "white", "comment": "too bright"},
        {"id": str(white.pk), "true_label": "blue"},
        {"client_reference": "ref-0", "verdict": "unsure"},
        {"id": str(foreign.pk), "true_label": "black"},
        {"client_reference": "theirs", "true_label": "black"},
        {"client_reference": "twin", "true_label": "black"},
        {"id": str(twin[0].pk)},
        {"true_label": "black"},
        {"id": str(white.pk), "client_reference": "ref-255", "true_label": "white"},
        {"id": "abc", "true_label": "white"},
        {"id": str(white.pk), "label": "white"},
        "white",
    ]
    answer = truths(api, items)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["accepted"], body["refused"], len(body["results"])) == (2, 11, 13)
    assert [one["code"] for one in body["results"]] == [
        *(None, None, "unknown-label", "twice", "not-found", "not-found", "ambiguous", "required", "required", "required"),
        *("invalid", "unknown-field", "invalid"),
    ]
    assert body["results"][0]["prediction"] == str(black.pk)
    kept = Review.objects.order_by("id").values_list("prediction", "verdict", "true_label", "picked_by", "comment")
    assert list(kept) == [(black.pk, "correct", "black", "api", ""), (grey.pk, "incorrect", "white", "api", "too bright")]


def test_saying_it_again_withdraws_the_earlier_opinions(three, api):
    items = [{"client_reference": f"ref-{shade}", "verdict": "unsure"} for shade in (0, 127, 255)]
    for _ in range(2):
        assert truths(api, items).json()["accepted"] == 3
    assert (Review.objects.count(), Review.objects.active().count()) == (6, 3)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"items": []}, "min-length"),
        ({"items": [{}] * 1001}, "max-length"),
        ({"items": "x"}, "not-a-list"),
        ({"items": [{}], "more": 1}, "unknown-field"),
        ({"items": [None]}, "null"),
    ],
)
def test_a_wrong_list_is_refused_whole(db, api, body, code):
    assert_problem(api.post("/api/v1/ground-truth/", body, content_type="application/json"), 400, code)


@pytest.mark.parametrize("count", [2, 40])
def test_many_take_as_many_queries_as_few(shades, user, api, count, django_assert_num_queries):
    made = [make_prediction(user, client_reference=f"n{number}") for number in range(count)]
    items = [{"client_reference": one.client_reference, "verdict": "correct"} for one in made]
    with django_assert_num_queries(8) as captured:
        assert truths(api, items).json()["accepted"] == count
    assert captured
    assert Prediction.objects.reviewed().count() == count


# --- the page


def press(client, prediction, **button):
    return client.post(f"/predictions/{prediction.pk}/review/", button, follow=True)


@pytest.fixture
def page(client, user):
    client.force_login(user)
    return client


def test_one_click_says_that_it_was_right(white, page, user):
    assert "Yes, white" in page.get(white.get_absolute_url()).content.decode()
    html = press(page, white, verdict="correct").content.decode()
    review = Review.objects.get()
    assert (review.verdict, review.true_label, review.picked_by, review.reviewer) == ("correct", "white", "manual", user)
    assert "You said:" in html
    assert "Take it back" in html
    press(page, white, verdict="withdraw")
    assert not Review.objects.active().exists()


def test_one_click_says_what_it_is(white, page):
    html = page.get(white.get_absolute_url()).content.decode()
    assert html.index('value="black"') < html.index('value="grey"')  # few labels keep their places
    press(page, white, true_label="grey")
    assert Review.objects.values_list("verdict", "true_label").get() == ("incorrect", "grey")


@pytest.mark.parametrize(("typed", "kept"), [("11.5", ("incorrect", 11.5)), ("9", ("correct", 9.0))])
def test_a_value_is_typed(row, page, typed, kept):
    press(page, row, true_value=typed)
    assert Review.objects.values_list("verdict", "true_value").get() == kept


@pytest.mark.parametrize("typed", ["1,5", "1_0", "nan", "1e999"])
def test_a_value_that_is_none_is_named(row, page, typed):
    assert "message error" in press(page, row, true_value=typed).content.decode()
    assert not Review.objects.exists()


def test_nobody_judges_what_is_not_theirs_on_the_page(white, client, other, reviewer):
    client.force_login(other)
    assert press(client, white, verdict="correct").status_code == 404
    assert press(client, white, verdict="withdraw").status_code == 404
    assert not Review.objects.exists()
    client.force_login(reviewer)
    html = press(client, white, true_label="black").content.decode()
    assert "it is <strong>black</strong>" in html
    client.force_login(white.user)
    html = client.get(white.get_absolute_url()).content.decode()
    assert "A reviewer said: Incorrect, it is black" in html
    assert "rosa" not in html
    assert client.get(f"/predictions/{white.pk}/review/").status_code == 405


def test_the_admin_lists_reviews(white, client, reviewer, user):
    review_prediction(prediction=white, reviewer=user, true_label="grey", comment="<b>no</b>")
    client.force_login(reviewer)
    html = client.get("/admin/predictions/review/").content.decode()
    assert "grey" in html
    detail = client.get(f"/admin/predictions/review/{Review.objects.get().pk}/change/").content.decode()
    assert "&lt;b&gt;no" in detail


def test_a_press_by_script_is_answered_with_the_section_and_nothing_more(white, client, user, reviewer):
    client.force_login(user)
    page = reverse("predictions:review", args=[white.pk])
    htmx = {"headers": {"hx-request": "true"}}
    said = client.post(page, {"true_label": "grey", "small": "1"}, **htmx)
    assert said.status_code == 200
    assert "You said: <strong>Incorrect</strong>, it is <strong>grey</strong>" in said.content.decode()
    assert "small-review" in said.content.decode()
    assert "<html" not in said.content.decode()
    review_prediction(prediction=white, reviewer=reviewer, verdict="unsure")
    assert "A reviewer said: Unsure" in client.post(page, {"verdict": "correct"}, **htmx).content.decode()
    refused = client.post(page, {"verdict": "incorrect"}, **htmx)
    assert refused.status_code == 400
    assert "Say which label is right" in refused.content.decode()
    taken_back = client.post(page, {"verdict": "withdraw"}, **htmx).content.decode()
    assert "Yes, white" in taken_back
    assert not Review.objects.active().filter(reviewer=user).exists()


@pytest.mark.parametrize("value", ["maybe", "1", "yes", "TRUE"])
def test_reviewed_is_true_or_false_and_nothing_else(white, api, value):
    assert_problem(api.get(PREDICTIONS_URL, {"reviewed": value}), 400, "invalid-choice")


@pytest.mark.parametrize("page", ["foo", "?a=1", "x\0", "predictions:history", "//evil.example/", "https://evil.example/"])
def test_a_strange_way_back_leads_to_the_prediction(white, client, user, page):
    client.force_login(user)
    answer = client.post(reverse("predictions:review", args=[white.pk]), {"verdict": "correct", "next": page})
    assert (answer.status_code, answer.url) == (302, white.get_absolute_url())
