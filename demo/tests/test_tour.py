"""The tour: for strangers, and nothing that they could fill the ledger with."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from demo.services.tour import samples
from predictions.models import Input, Prediction
from registry.models import ModelVersion
from registry.services import register_model
from registry.serving import build_pool
from registry.tests.factories import DIGITS

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("tensorflow")]


@pytest.fixture
def tour(db, settings, client):
    settings.TOUR = True
    register_model(path=DIGITS, promote=True)
    return client


def test_a_stranger_is_led_to_it_and_sees_the_samples(tour):
    page = tour.get("/", follow=True)
    assert page.redirect_chain == [("/tour/", 302)]
    html = page.content.decode()
    assert html.count("/tour/samples/") == len(samples()) == 12
    assert tour.get("/tour/samples/seven.png")["Content-Type"] == "image/png"


def test_a_click_shows_the_answer_what_is_kept_and_the_request(tour):
    page = tour.post("/tour/", {"sample": "seven"}, follow=True)
    assert page.redirect_chain == [("/tour/?sample=seven#answer", 302)]
    html = page.content.decode()
    prediction = Prediction.objects.get()
    for shown in (
        prediction.id,
        prediction.input.sha256,
        "digits:1",
        "curl -F image=@",
        "Was it right?",
        "Create an account",
    ):
        assert str(shown) in html
    assert (prediction.label, prediction.user.username, prediction.user.is_active) == ("7", "(tour)", False)


def test_however_often_strangers_click_each_sample_is_asked_once(tour):
    for _ in range(2):
        for name in samples():
            assert tour.post("/tour/", {"sample": name}).status_code == 302
    assert Prediction.objects.count() == Input.objects.count() == 12


def test_a_model_that_fails_lets_strangers_fill_nothing(tour, settings):
    Path(settings.MODEL_ROOT, ModelVersion.objects.get().artifact).write_bytes(b"damaged")
    build_pool().close()
    build_pool.cache_clear()
    for _ in range(6):
        page = tour.post("/tour/", {"sample": "seven"}, follow=True)
    assert page.status_code == 200
    assert "does not answer this sample just now" in page.content.decode()
    assert Prediction.objects.filter(status="failed").count() == Prediction.objects.count() == 3


def test_a_model_that_failed_an_hour_ago_is_tried_again(tour, settings):
    artifact = Path(settings.MODEL_ROOT, ModelVersion.objects.get().artifact)
    whole = artifact.read_bytes()
    artifact.write_bytes(b"damaged")
    build_pool().close()
    build_pool.cache_clear()
    for _ in range(4):
        tour.post("/tour/", {"sample": "seven"})
    artifact.write_bytes(whole)
    build_pool().close()
    build_pool.cache_clear()
    assert "just now" in tour.post("/tour/", {"sample": "seven"}, follow=True).content.decode()
    Prediction.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    assert "2. It answers" in tour.post("/tour/", {"sample": "seven"}, follow=True).content.decode()


@pytest.mark.parametrize("sample", ["", "../seven", "eleven", "seven.png", "x" * 5000, "\0"])
def test_what_is_no_sample_is_told_and_nothing_is_kept(tour, sample):
    page = tour.post("/tour/", {"sample": sample}, follow=True)
    assert page.status_code == 200
    assert "There is no sample" in page.content.decode()
    assert not Prediction.objects.exists()
    assert tour.get("/tour/", {"sample": sample}).status_code == 200
    assert tour.get("/tour/samples/eleven.png").status_code == 404


def test_only_the_samples_of_the_tour_are_shown_to_strangers(tour, user):
    tour.post("/tour/", {"sample": "seven"})
    prediction = Prediction.objects.get()
    assert tour.get(prediction.get_absolute_url()).status_code == 302
    Prediction.objects.update(user=user)
    assert str(prediction.id) not in tour.get("/tour/?sample=seven").content.decode()


def test_without_a_demo_there_is_no_tour(db, settings, client):
    settings.TOUR = False
    for address in ("/tour/", "/tour/samples/seven.png"):
        assert client.get(address).status_code == 404
    assert client.post("/tour/", {"sample": "seven"}).status_code == 404
    assert client.get("/")["Location"].startswith("/accounts/login/")


def test_without_the_example_model_there_is_no_tour(db, settings, client):
    settings.TOUR = True
    assert client.get("/tour/").status_code == 404
