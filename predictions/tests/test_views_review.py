"""The review section of a prediction."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from inference.tests.factories import make_image
from predictions.models import Review
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def post_review(client, prediction, **fields):
    return client.post(f"/predictions/{prediction.pk}/review/", fields, follow=True)


@pytest.fixture
def white(shades, user):
    return make_prediction(user, make_image(255))


@pytest.fixture
def row(flowers, user):
    return predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")


def test_mark_correct_and_undo(white, signed_in, user):
    assert "Mark correct" in signed_in.get(white.get_absolute_url()).content.decode()
    html = post_review(signed_in, white, verdict="correct").content.decode()
    review = Review.objects.get()
    assert (review.verdict, review.true_label, review.picked_by, review.reviewer) == ("correct", "white", "manual", user)
    assert "Your review: <strong>Correct</strong>" in html
    assert ">Undo</button>" in html
    post_review(signed_in, white, verdict="withdraw")
    assert not Review.objects.active().exists()


def test_a_double_click_stores_one_review(white, signed_in):
    for fields in ({"verdict": "correct"}, {"true_label": "grey"}):
        count = Review.objects.count()
        for _ in range(2):
            post_review(signed_in, white, **fields)
        assert Review.objects.count() == count + 1
    Review.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    post_review(signed_in, white, true_label="grey")  # on purpose
    assert (Review.objects.count(), Review.objects.active().count()) == (3, 1)


def test_choose_the_correct_label(white, signed_in):
    html = signed_in.get(white.get_absolute_url()).content.decode()
    assert html.index('value="black"') < html.index('value="grey"')  # few labels keep their order
    post_review(signed_in, white, true_label="grey")
    assert Review.objects.values_list("verdict", "true_label").get() == ("incorrect", "grey")


@pytest.mark.parametrize(("text", "expected"), [("11.5", ("incorrect", 11.5)), ("9", ("correct", 9.0))])
def test_enter_the_correct_value(row, signed_in, text, expected):
    post_review(signed_in, row, true_value=text)
    assert Review.objects.values_list("verdict", "true_value").get() == expected


@pytest.mark.parametrize("text", ["1,5", "1_0", "nan", "1e999"])
def test_invalid_values_show_an_error(row, signed_in, text):
    assert "message error" in post_review(signed_in, row, true_value=text).content.decode()
    assert not Review.objects.exists()


def test_only_owners_and_reviewers_can_review(white, client, other, reviewer):
    client.force_login(other)
    assert post_review(client, white, verdict="correct").status_code == 404
    assert post_review(client, white, verdict="withdraw").status_code == 404
    assert not Review.objects.exists()
    client.force_login(reviewer)
    html = post_review(client, white, true_label="black").content.decode()
    assert "True label: <strong>black</strong>" in html
    client.force_login(white.user)
    html = client.get(white.get_absolute_url()).content.decode()
    assert "Another review: Incorrect. True label: black" in html
    assert "rosa" not in html
    assert client.get(f"/predictions/{white.pk}/review/").status_code == 405


def test_htmx_requests_get_the_review_section(white, client, user, reviewer):
    client.force_login(user)
    url = reverse("predictions:review", args=[white.pk])
    htmx = {"headers": {"hx-request": "true"}}
    saved = client.post(url, {"true_label": "grey", "small": "1"}, **htmx)
    assert saved.status_code == 200
    assert "Your review: <strong>Incorrect</strong>. True label: <strong>grey</strong>" in saved.content.decode()
    assert "small-review" in saved.content.decode()
    assert "<html" not in saved.content.decode()
    review_prediction(prediction=white, reviewer=reviewer, verdict="unsure")
    assert "Another review: Unsure" in client.post(url, {"verdict": "correct"}, **htmx).content.decode()
    rejected = client.post(url, {"verdict": "incorrect"}, **htmx)
    assert rejected.status_code == 400
    assert "Choose the true label" in rejected.content.decode()
    withdrawn = client.post(url, {"verdict": "withdraw"}, **htmx).content.decode()
    assert "Mark correct" in withdrawn
    assert not Review.objects.active().filter(reviewer=user).exists()


@pytest.mark.parametrize("url", ["foo", "?a=1", "x\0", "predictions:history", "//evil.example/", "https://evil.example/"])
def test_invalid_next_pages_redirect_to_the_prediction(white, client, user, url):
    client.force_login(user)
    response = client.post(reverse("predictions:review", args=[white.pk]), {"verdict": "correct", "next": url})
    assert (response.status_code, response.url) == (302, white.get_absolute_url())
