"""The review queue: a review is blind only if the reviewer has not seen the prediction."""

import pytest
from django.urls import reverse

from inference.tests.factories import make_image
from predictions.models import Review, ShownPrediction
from predictions.tests.factories import make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.once]
QUEUE_URL = reverse("admin:predictions_review_queue")
BUTTON = 'value="correct"'  # to mark a shown prediction correct
SHOWN, HIDDEN = "order=random&blind=0", "order=random"


@pytest.fixture
def prediction(shades, user):
    return make_prediction(user, make_image(255))


@pytest.fixture
def send(client, reviewer):
    client.force_login(reviewer)

    def send(query, *, is_scripted=True, **fields):
        headers = {"hx-request": "true"} if is_scripted else {}
        response = client.post(f"{QUEUE_URL}?{query}", fields, headers=headers)
        return client.get(response.url) if response.status_code == 302 else response

    return send


def is_blind_review(send, prediction, query=HIDDEN, **fields):
    send(query, prediction=prediction.pk, **(fields or {"true_label": "white"}))
    return Review.objects.active().get().is_blind


def test_a_review_of_a_hidden_prediction_is_blind(prediction, send):
    assert "white</span>" in send(HIDDEN, action="start").content.decode()
    assert is_blind_review(send, prediction) is True


@pytest.mark.parametrize("is_scripted", [True, False])
def test_hiding_a_shown_prediction_again_does_not_make_the_review_blind(prediction, send, client, is_scripted):
    send(HIDDEN, action="start")
    assert BUTTON in send(SHOWN, action="start", is_scripted=is_scripted).content.decode()
    assert BUTTON not in client.get(f"{QUEUE_URL}?{HIDDEN}").content.decode()
    assert is_blind_review(send, prediction) is False
    assert not ShownPrediction.objects.exists()  # the review takes its place


def test_a_prediction_shown_in_another_order_or_skipped_stays_seen(prediction, send):
    send("order=newest", action="start")
    send("order=newest", prediction=prediction.pk, action="skip")
    send("order=newest", action="undo")
    send(HIDDEN, action="start")
    assert is_blind_review(send, prediction) is False


def test_an_address_alone_does_not_show_a_hidden_prediction(prediction, send, client):
    send(HIDDEN, action="start")
    html = client.get(f"{QUEUE_URL}?{SHOWN}").content.decode()
    assert ("Start reviewing" in html, BUTTON in html) == (True, False)
    assert not ShownPrediction.objects.exists()  # a GET request writes nothing
    assert is_blind_review(send, prediction) is True


def test_another_reviewer_is_still_blind(prediction, send, superuser, client):
    send(SHOWN, action="start")
    send(SHOWN, prediction=prediction.pk, action="skip")
    client.force_login(superuser)
    assert is_blind_review(send, prediction) is True


def test_a_review_of_the_own_prediction_is_not_blind(shades, reviewer, send):
    assert is_blind_review(send, make_prediction(reviewer, make_image(255))) is False


def test_a_verdict_without_a_label_is_not_blind(prediction, send):
    assert is_blind_review(send, prediction, verdict="correct") is False


@pytest.mark.parametrize("query", ["order=label:white", "order=label&label=white", "list=1&label=white"])
def test_a_queue_of_one_label_cannot_be_blind(prediction, send, query):
    page = send(f"{query}&blind=1", is_scripted=False, action="start").content.decode()
    assert (BUTTON in page, "Hide predictions" in page) == (True, False)
    assert is_blind_review(send, prediction, f"{query}&blind=1") is False
