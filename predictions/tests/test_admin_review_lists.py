"""The review queue: blind mode, filtered lists, assignments, goals, and statistics."""

import re
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from inference.tests.factories import make_image
from predictions.models import PredictionComment, Review, ReviewAssignment
from predictions.services import review_prediction
from predictions.services.annotations import add_tag
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
QUEUE_URL = reverse("admin:predictions_review_queue")


@pytest.fixture
def predictions(shades, user):
    return [make_prediction(user, make_image(shade)) for shade in (0, 127, 255)]


@pytest.fixture
def reviewer_client(client, reviewer):
    client.force_login(reviewer)
    return client


def post(client, query, **fields):
    return client.post(f"{QUEUE_URL}?{query}", fields, headers={"hx-request": "true"})


def get_shown_ids(response):
    return re.findall(r'class="queue-slot"\s+data-id="(\S+)"', response.content.decode())


def test_random_samples_hide_the_prediction(predictions, reviewer_client, reviewer):
    page = post(reviewer_client, "", action="start")
    html = page.content.decode()
    assert "What is the true label?" in html
    assert not re.search(r"predicted|Mark correct|Confidence|queue-score", html)
    row, other = (next(row for row in predictions if str(row.pk) == shown) for shown in get_shown_ids(page))
    true_label = next(label for label in row.model_version.labels if label != row.label)
    saved = post(reviewer_client, "", prediction=row.pk, true_label=true_label, comment="blurred")
    assert saved.context["message"] == f"Saved: corrected from {row.label} to {true_label}."
    review = Review.objects.get()
    assert (review.is_blind, review.comment, review.verdict) == (True, "blurred", "incorrect")
    assert post(reviewer_client, "", action="undo").context["message"] == "Undone."
    post(reviewer_client, "", prediction=row.pk, true_label=row.label)
    assert Review.objects.active().get().is_blind is False  # the first message has named the prediction
    unsure = post(reviewer_client, "", prediction=other.pk, verdict="unsure")
    assert unsure.context["message"] == "Saved: marked unsure."


def test_none_of_these_labels_is_incorrect_without_a_true_label(predictions, reviewer_client):
    post(reviewer_client, "order=newest", prediction=predictions[2].pk, none_of_these="1")
    review = Review.objects.get()
    assert (review.verdict, review.true_label, review.is_blind) == ("incorrect", "", False)


def test_comment_of_a_skipped_prediction_is_stored(predictions, reviewer_client, reviewer):
    post(reviewer_client, "order=newest", prediction=predictions[2].pk, action="skip", comment="Who drew this?")
    assert [(row.text, row.author) for row in PredictionComment.objects.all()] == [("Who drew this?", reviewer)]


@pytest.mark.parametrize("order", ["newest", "random", "uncertain"])
def test_a_filtered_list_is_reviewed_and_undone(predictions, reviewer_client, user, order):
    black, grey, _ = predictions
    for row in (black, grey):
        add_tag(prediction=row, user=user, name="odd")
    query = f"list=1&tag=odd&reviewed=false&order={order}"
    shown = get_shown_ids(post(reviewer_client, query, action="start"))
    assert set(shown) == {str(black.pk), str(grey.pk)}
    assert order != "newest" or shown == [str(grey.pk), str(black.pk)]
    saved = post(reviewer_client, query, prediction=grey.pk, verdict="correct")
    assert (get_shown_ids(saved), saved.context["remaining"], saved.context["goal"].today) == ([str(black.pk)], 1, 1)
    assert Review.objects.get().picked_by == "list"
    html = reviewer_client.get(f"{QUEUE_URL}?{query}&user=ada&user=bob").content.decode()
    assert re.findall(r'name="(tag|user|label)"\s+value="(.*?)"', html) == [
        ("user", "ada"), ("user", "bob"), ("label", ""), ("tag", "odd"),
    ]  # fmt: skip
    assert post(reviewer_client, "list=1&label=white", action="undo").context["message"].startswith("There is nothing")
    undone = post(reviewer_client, query, action="undo")
    assert (undone.context["message"], set(get_shown_ids(undone))) == ("Undone.", set(shown))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("list=1&version=1&model=shades", 200),
        ("min_confidence=7", 400),
        ("list=1&lable=grey", 400),
        ("list=1", 200),
        ("list=1&range=last-month", 200),
        ("list=1&range=next-year", 400),
    ],
)
def test_lists_check_their_filters(predictions, reviewer_client, query, status):
    assert reviewer_client.get(f"{QUEUE_URL}?{query}").status_code == status


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("list=1&user=nobody", "No prediction that matches the filters needs your review."),
        ("list=1&verdict=correct", "The filters select only predictions that have a review."),
    ],
)
def test_an_empty_list_names_its_filters(reviewer_client, shades, query, text):
    html = reviewer_client.get(f"{QUEUE_URL}?{query}").content.decode()
    assert (text in html, "Clear the filters</a>" in html.partition("queue-empty")[2]) == (True, True)
    assert ("Claims expire" in html) is ("user" in query)


def test_named_ranges_become_times(predictions, reviewer_client, reviewer):
    fields = {"reviewer": reviewer.pk, "query": "list=1&range=7-days&version=&max_confidence=1&reviewed=false"}
    for _ in range(2):  # a double click
        reviewer_client.post(reverse("admin:predictions_review_queue_assign"), fields)
    assignment = ReviewAssignment.objects.get()
    times = [text for name, text in QueryDict(assignment.query).items() if name.startswith("created_")]
    assert (assignment.total, [text[-1] for text in times]) == (3, ["Z", "Z"])  # the same in each time zone
    assert "range" not in assignment.query
    [item] = reviewer_client.get(QUEUE_URL).context["assignments"]
    assert item.title.startswith("Maximum confidence: 100% · Reviewed: No · Created from: ")
    html = reviewer_client.get(f"{QUEUE_URL}?{assignment.query}").content.decode()
    values = re.findall(r'type="datetime-local" name="created_\w+" value="([\d:T.-]+)"', html)  # without a zone
    first = timezone.localdate() - timedelta(days=6)
    assert (len(values), values[0]) == (2, f"{first}T00:00")


def test_two_lists_can_be_assigned_one_right_after_the_other(predictions, reviewer_client, reviewer):
    for query in ("list=1&label=grey", "list=1&label=white", "list=1&label=white"):  # the last one is a double click
        fields = {"reviewer": reviewer.pk, "query": query}
        reviewer_client.post(reverse("admin:predictions_review_queue_assign"), fields)
    assert [QueryDict(row.query)["label"] for row in ReviewAssignment.objects.order_by("pk")] == ["grey", "white"]


def test_assigned_lists_show_their_progress(predictions, reviewer_client, reviewer, superuser, client, user):
    fields = {"reviewer": reviewer.pk, "note": "Doubtful", "query": "list=1&label=grey"}
    reviewer_client.post(reverse("admin:predictions_review_queue_assign"), fields)
    assignment = ReviewAssignment.objects.get()
    assert (assignment.total, assignment.assigned_by, "created_before=" in assignment.query) == (1, reviewer, True)
    make_prediction(user, make_image(127))  # later than the assignment
    html = reviewer_client.get(QUEUE_URL).content.decode()
    assert ("Doubtful" in html, "0 of 1 reviewed" in html) == (True, True)
    review_prediction(prediction=predictions[1], reviewer=reviewer, verdict="correct")
    assert "1 of 1 reviewed" in reviewer_client.get(QUEUE_URL).content.decode()
    nothing = reviewer_client.post(reverse("admin:predictions_review_queue_assign"), {**fields, "query": assignment.query})
    assert (nothing.status_code, ReviewAssignment.objects.count()) == (302, 1)
    close = reverse("admin:predictions_review_queue_close", args=[assignment.pk])
    client.force_login(superuser)
    assert client.post(close).status_code == 404
    client.force_login(reviewer)
    assert client.post(close).status_code == 302
    assert "Doubtful" not in client.get(QUEUE_URL).content.decode()


def test_goal_and_statistics(predictions, reviewer_client, reviewer, superuser):
    reviewer_client.post(reverse("admin:predictions_review_queue_goal"), {"reviews_per_day": "7"})
    reviewer_client.post(reverse("admin:predictions_review_queue_goal"), {"reviews_per_day": "0"})
    for person, labels in ((reviewer, ("black", "grey", "grey")), (superuser, ("black", "black"))):
        for row, label in zip(predictions, labels, strict=False):
            review_prediction(prediction=row, reviewer=person, true_label=label)
    goal = reviewer_client.get(QUEUE_URL).context["goal"]
    assert (goal.today, goal.per_day) == (3, 7)
    page = reviewer_client.get(reverse("admin:predictions_review_queue_statistics"))
    first, second = page.context["statistics"]
    assert (first.username, first.today, first.count, first.agreement) == (reviewer.username, 3, 3, 0.5)
    assert (second.count, second.agreement, second.median_seconds is None) == (2, 0.5, False)
