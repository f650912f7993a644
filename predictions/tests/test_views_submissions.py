"""Forms that are submitted twice with the same key are stored once, and both responses show the stored prediction."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import IdempotencyKey
from accounts.services import submissions
from inference.errors import Overloaded
from inference.predictor import Predictor
from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.tests.factories import list_stored_files, make_image_file
from predictions.views.submissions import DOUBLE_CLICK_SECONDS, PREVIOUS_KEY_COOKIE

pytestmark = pytest.mark.django_db
ROW = {"feature-0": "4.5", "feature-1": "5", "feature-2": "", "feature-3": ""}
KEY = re.compile(r'<input type="hidden" name="idempotency_key" value="([\w-]{22})" autocomplete="off">')
HTMX = {"HX-Request": "true"}


def get_key(signed_in, url="/?model=flowers"):
    return KEY.search(signed_in.get(url).content.decode())[1]


def submit_row(signed_in, key, headers=None, **fields):
    form = {"model": "flowers", "idempotency_key": key, **ROW, **fields}
    return signed_in.post("/", form, headers=headers)


def submit_images(signed_in, key, *shades, names=("a.png", "b.png", "c.png"), **fields):
    files = [make_image_file(make_image(shade), name) for shade, name in zip(shades, names, strict=False)]
    return signed_in.post("/", {"model": "shades", "idempotency_key": key, "image": files, **fields})


def test_each_page_has_its_own_key(flowers, signed_in):
    assert get_key(signed_in) != get_key(signed_in)


def test_a_row_is_stored_once(flowers, signed_in):
    key = get_key(signed_in)
    first, second = submit_row(signed_in, key), submit_row(signed_in, key)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert str(Prediction.objects.get().pk) in first["Location"]
    assert Input.objects.count() == 1


def test_the_result_has_another_key_for_the_next_submission(flowers, signed_in):
    key = get_key(signed_in)
    first, second = submit_row(signed_in, key, HTMX), submit_row(signed_in, key, HTMX)
    assert (first.status_code, second.status_code) == (201, 201)
    path = Prediction.objects.get().get_absolute_url()
    assert path in first.content.decode()
    assert path in second.content.decode()
    new_key = KEY.search(second.content.decode())[1]
    assert new_key != key
    del signed_in.cookies[PREVIOUS_KEY_COOKIE]  # after a second
    assert submit_row(signed_in, new_key, HTMX).status_code == 201
    assert Prediction.objects.count() == 2


def test_the_second_click_can_reach_the_form_with_the_result(flowers, signed_in):
    """The key of the first click is in a cookie, which the browser keeps for a second. Other inputs are not affected."""
    first = submit_row(signed_in, "a")
    cookie = first.cookies[PREVIOUS_KEY_COOKIE]
    assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("a", DOUBLE_CLICK_SECONDS, True)
    for key in ("b", "c"):
        second = submit_row(signed_in, key)
        assert second["Location"] == first["Location"]
        assert second.cookies[PREVIOUS_KEY_COOKIE].value == "a"
    assert submit_row(signed_in, "d", **{"feature-0": "6"})["Location"] != first["Location"]
    assert signed_in.cookies[PREVIOUS_KEY_COOKIE].value == "d"
    assert Prediction.objects.count() == 2


@pytest.mark.parametrize("change", [{"feature-0": "6"}, {"client_reference": "x"}, {"model": "flowers:1"}], ids=str)
def test_a_changed_form_with_the_old_key_is_another_submission(flowers, signed_in, change):
    """As after *Back*, when the browser shows the old signed_in."""
    key = get_key(signed_in)
    submit_row(signed_in, key)
    assert submit_row(signed_in, key, **change).status_code == 302
    assert Prediction.objects.count() == 2


def test_a_form_without_a_key_is_stored_each_time(flowers, signed_in):
    for _ in range(2):
        assert submit_row(signed_in, "").status_code == 302
    assert Prediction.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["x" * 5000, "\0", "é'\"<>", "a,b"], ids=["long", "NUL", "quotes", "comma"])
def test_any_key_is_accepted(flowers, signed_in, key):
    for _ in range(2):
        assert submit_row(signed_in, key).status_code == 302
    assert Prediction.objects.count() == 1


def test_the_same_key_of_another_user_is_another_key(flowers, signed_in, other):
    submit_row(signed_in, "a")
    signed_in.force_login(other)
    submit_row(signed_in, "a")
    assert set(Prediction.objects.values_list("user__username", flat=True)) == {"ada", "eve"}


def test_each_of_several_images_is_stored_once(shades, signed_in, settings):
    """A second submission stores only what the first one did not."""
    submit_images(signed_in, "a", 0, 127)
    second = submit_images(signed_in, "a", 0, 127)
    assert Prediction.objects.count() == len(list_stored_files(settings)) == 2
    third = submit_images(signed_in, "a", 0, 127, 255)
    assert third.status_code == 302
    assert second["Location"] in third["Location"]
    assert Prediction.objects.count() == 3


def test_equal_images_of_one_form_are_all_stored(shades, signed_in):
    submit_images(signed_in, "a", 0, 0, names=("a.png", "a.png"))
    assert Prediction.objects.count() == 2


def test_a_text_and_an_example_are_stored_once(reviews, flowers, signed_in):
    for _ in range(2):
        form = {"model": "reviews", "text": "It works.", "idempotency_key": "a"}
        assert signed_in.post("/", form).status_code == 302
    key = get_key(signed_in, "/models/flowers/")
    form = {"model": "flowers", "idempotency_key": key}
    first, second = (signed_in.post("/models/flowers/example/", form) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Prediction.objects.count() == 2


def test_a_rejected_form_can_be_submitted_again_with_its_key(flowers, signed_in, monkeypatch):
    def refuse(*args, **options):
        raise Overloaded("The queue of the model is full.")

    submit_row(signed_in, "")  # loads the model
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", refuse)
        assert submit_row(signed_in, "a").status_code == 503
    assert submit_row(signed_in, "a", **{"feature-0": ""}).status_code == 400
    assert submit_row(signed_in, "a").status_code == 302
    assert Prediction.objects.count() == 2


def test_a_failed_prediction_is_stored_once(register_failing, signed_in):
    register_failing(nan=True)
    form = {"model": "failing", "idempotency_key": "a"}
    first, second = (signed_in.post("/", {**form, "image": make_image_file()}) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Prediction.objects.get().status == "failed"


def test_a_submission_whose_process_is_lost_is_stored_by_the_next_one(flowers, signed_in):
    submit_row(signed_in, "a")
    Prediction.objects.all().delete()
    IdempotencyKey.objects.update(status_code=None, leased_until=timezone.now() - timedelta(seconds=1))
    assert submit_row(signed_in, "a").status_code == 302
    assert Prediction.objects.count() == 1


def test_a_submission_that_runs_for_too_long_is_reported(flowers, signed_in, monkeypatch):
    monkeypatch.setattr(submissions, "WAIT_SECONDS", 0.05)
    submit_row(signed_in, "a")
    IdempotencyKey.objects.update(status_code=None, leased_until=timezone.now() + timedelta(seconds=30))
    response = submit_row(signed_in, "a", HTMX)
    assert response.status_code == 409
    assert "Check your history before you try again." in response.content.decode()
    assert Prediction.objects.count() == 1


def test_a_deleted_prediction_is_predicted_again(flowers, signed_in):
    submit_row(signed_in, "a")
    Prediction.objects.all().delete()
    assert submit_row(signed_in, "a").status_code == 302
    assert Prediction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_submissions_at_the_same_time_wait_for_the_first_and_show_its_result(flowers, user):
    count = 8
    barrier = threading.Barrier(count)
    first = Client()
    first.force_login(user)

    def submit(number):
        client = Client()
        client.cookies = first.cookies
        barrier.wait(30)
        try:
            return submit_row(client, "a")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as executor:
        responses = list(executor.map(submit, range(count)))
    assert {(response.status_code, response["Location"]) for response in responses} == {(302, responses[0]["Location"])}
    assert str(Prediction.objects.get().pk) in responses[0]["Location"]
