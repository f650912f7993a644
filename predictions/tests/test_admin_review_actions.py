"""Judging in the admin: actions on the list, buttons and opinions on a prediction's page, filters."""

import csv
import io

import pytest
from django.urls import reverse

from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import predict, review_prediction, withdraw_review
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
LISTING = reverse("admin:predictions_prediction_changelist")


@pytest.fixture
def asked(shades, user):
    return [make_prediction(user, make_image(shade), name=f"{shade}.png") for shade in (0, 127, 255)]


@pytest.fixture
def rosa(client, reviewer):
    client.force_login(reviewer)
    return client


def act(client, action, rows, **fields):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": 0, **fields}
    return client.post(LISTING, data, follow=True)


def told(answer):
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize(
    ("action", "truth", "kept"),
    [
        ("judge_correct", "", {("correct", "black"), ("correct", "white")}),
        ("judge_unsure", "", {("unsure", "")}),
        ("judge_incorrect", "grey", {("incorrect", "grey")}),
    ],
)
def test_a_verdict_on_the_selected_is_stored_and_told_row_by_row(asked, rosa, reviewer, action, truth, kept):
    answer = act(rosa, action, [asked[0], asked[2]], truth=truth)
    reviews = Review.objects.all()
    assert {(one.verdict, one.true_label) for one in reviews} == kept
    assert {(one.reviewer, one.picked_by) for one in reviews} == {(reviewer, "manual")}
    assert {one.prediction for one in reviews} == {asked[0], asked[2]}
    assert "2 judged." in told(answer)
    assert "0.png" in told(answer)
    assert "255.png" in told(answer)


def test_one_that_cannot_be_stored_is_told_and_does_not_hold_up_the_others(asked, rosa):
    answer = act(rosa, "judge_incorrect", asked, truth="grey")
    assert Review.objects.count() == 2
    assert "2 judged." in told(answer)
    assert "1 not judged." in told(answer)
    assert "another than the answer" in told(answer) or "the same as" in told(answer)


def test_incorrect_without_a_truth_asks_for_it(asked, rosa):
    assert "Say which label is right" in told(act(rosa, "judge_incorrect", asked))
    assert not Review.objects.exists()


def test_values_are_judged_by_a_number(flowers, user, rosa):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    assert "such as 5.1" in told(act(rosa, "judge_incorrect", [row], truth="many"))
    assert not Review.objects.exists()
    act(rosa, "judge_incorrect", [row], truth="8.5")
    assert Review.objects.get().true_value == 8.5


def test_too_many_at_once_are_refused(asked, rosa, monkeypatch):
    monkeypatch.setattr("predictions.admin.review_actions.AT_ONCE", 2)
    assert "at most 2" in told(act(rosa, "judge_correct", asked))
    assert not Review.objects.exists()


def test_the_selected_are_exported(asked, rosa):
    data = {"action": "export_as_csv", "_selected_action": [str(asked[0].pk), str(asked[2].pk)], "index": 0}
    answer = rosa.post(LISTING, data)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["original_name"] for row in rows] == ["255.png", "0.png"]
    assert [row["user"] for row in rows] == ["ada", "ada"]


def test_actions_are_for_reviewers(asked, client, user, make_user):
    data = {"action": "judge_correct", "_selected_action": [str(asked[0].pk)], "index": 0}
    for person, status in ((user, 302), (make_user(is_staff=True), 403)):
        client.force_login(person)
        assert client.post(LISTING, data).status_code == status
    assert not Review.objects.exists()


@pytest.mark.parametrize("action", ["judge_correct", "export_as_csv"])
@pytest.mark.parametrize("key", ["abc", "", "-1", "\0", "' or 1=1"])
def test_ids_that_are_none_are_refused(asked, rosa, action, key):
    answer = rosa.post(LISTING, {"action": action, "_selected_action": [key, str(asked[0].pk)], "index": 0})
    assert answer.status_code == 400
    assert not Review.objects.exists()


@pytest.mark.parametrize("query", ["verdict__exact", "picked_by__exact", "true_label", "x"])
def test_a_nul_in_a_filter_is_turned_away(asked, rosa, query):
    for name in ("review", "prediction", "input"):
        address = reverse(f"admin:predictions_{name}_changelist")
        assert rosa.get(address, {query: "a\0"})["Location"] == f"{address}?e=1"


def test_a_truth_beside_correct_is_not_passed_over(asked, rosa):
    assert "another than the answer" in told(act(rosa, "judge_correct", [asked[2]], truth="grey"))
    assert not Review.objects.exists()


def test_there_is_no_action_that_deletes(asked, client, superuser):
    client.force_login(superuser)
    html = client.get(LISTING).content.decode()
    assert "judge_correct" in html
    assert "delete_selected" not in html


@pytest.mark.parametrize(
    ("state", "places"),
    [("unreviewed", [3]), ("agreed", [0]), ("disagreed", [1]), ("differ", [2]), ("", [3, 2, 1, 0]), ("x", [3, 2, 1, 0])],
)
def test_filters_by_what_was_said(asked, user, rosa, reviewer, other, state, places):
    asked.append(make_prediction(user, make_image(60)))
    review_prediction(prediction=asked[0], reviewer=reviewer, verdict="correct")
    review_prediction(prediction=asked[0], reviewer=other, verdict="unsure")
    review_prediction(prediction=asked[1], reviewer=reviewer, true_label="white")
    review_prediction(prediction=asked[2], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=asked[2], reviewer=other, verdict="correct")
    review_prediction(prediction=asked[3], reviewer=other, verdict="correct")
    withdraw_review(prediction=asked[3], reviewer=other)
    found = rosa.get(LISTING, {"review": state}).context["cl"].result_list
    assert list(found) == [asked[place] for place in places]


def test_no_bar_of_months_is_drawn_by_reading_the_whole_ledger(asked, rosa):
    assert "toplinks" in rosa.get(LISTING).content.decode()
    assert "toplinks" not in rosa.get(LISTING, {"review": "unreviewed"}).content.decode()


@pytest.mark.parametrize(("first", "second", "differ"), [(9.5, 9.5, 0), (9.5, 10.5, 1), (None, 10.5, 1), (None, None, 0)])
def test_reviewers_of_values_differ_when_their_truths_do(flowers, user, rosa, reviewer, other, first, second, differ):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    for person, value in ((reviewer, first), (other, second)):
        verdict = {"verdict": "correct"} if value is None else {"true_value": value}
        review_prediction(prediction=row, reviewer=person, **verdict)
    assert len(rosa.get(LISTING, {"review": "differ"}).context["cl"].result_list) == differ


def test_two_who_both_say_incorrect_differ_when_they_name_different_labels(asked, rosa, reviewer, other):
    review_prediction(prediction=asked[2], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=asked[2], reviewer=other, true_label="black")
    assert list(rosa.get(LISTING, {"review": "differ"}).context["cl"].result_list) == [asked[2]]


def test_the_page_of_a_prediction_has_its_opinions_and_buttons_that_come_back(asked, rosa, reviewer, other):
    review_prediction(prediction=asked[2], reviewer=other, true_label="grey", comment="<b>dim</b>")
    page = reverse("admin:predictions_prediction_change", args=[asked[2].pk])
    html = rosa.get(page).content.decode()
    assert "&lt;b&gt;dim&lt;/b&gt;" in html
    assert "eve" in html
    assert "Was this right?" in html
    answer = rosa.post(reverse("predictions:review", args=[asked[2].pk]), {"verdict": "correct", "next": page}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "You said" in answer.content.decode()
    assert Review.objects.active().filter(reviewer=reviewer).get().verdict == "correct"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_press_leads_to_no_other_site(asked, client, user, elsewhere):
    client.force_login(user)
    answer = client.post(reverse("predictions:review", args=[asked[2].pk]), {"verdict": "correct", "next": elsewhere})
    assert answer["Location"] == asked[2].get_absolute_url()


def test_the_list_says_what_people_judged(asked, rosa, reviewer):
    review_prediction(prediction=asked[0], reviewer=reviewer, true_label="grey")
    review_prediction(prediction=asked[1], reviewer=reviewer, verdict="correct")
    page = rosa.get(LISTING).content.decode()
    assert page.count('<td class="field-judged">Incorrect: grey</td>') == 1
    assert page.count('<td class="field-judged">Correct') == 1
    assert page.count('<td class="field-judged">–</td>') == 1
