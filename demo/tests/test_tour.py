"""The tour works without an account, and visitors cannot fill the database with it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from demo.services.tour import list_samples
from predictions.models import Input, Prediction
from predictions.tests.factories import change_predictions
from registry.models import ModelVersion
from registry.services import register_model
from registry.serving import build_pool
from registry.tests.factories import DIGITS, get_artifact_path

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("tensorflow"), pytest.mark.once]


@pytest.fixture
def tour_client(db, settings, client):
    settings.TOUR = True
    register_model(path=DIGITS, promote=True)
    return client


def unload_models():
    build_pool().close()
    build_pool.cache_clear()


def choose(client, sample="seven"):
    return client.post("/tour/", {"sample": sample}, follow=True)


def test_the_home_page_redirects_visitors_to_the_tour(tour_client):
    page = tour_client.get("/", follow=True)
    assert page.redirect_chain == [("/tour/", 302)]
    assert page.content.decode().count("/tour/samples/") == len(list_samples()) == 12
    assert tour_client.get("/tour/samples/seven.png")["Content-Type"] == "image/png"


def test_choosing_a_sample_shows_the_prediction_the_record_and_the_request(tour_client):
    page = choose(tour_client)
    assert page.redirect_chain == [("/tour/?sample=seven#prediction", 302)]
    html = page.content.decode()
    prediction = Prediction.objects.get()
    texts = ("digits:1", "curl -F image=@", "5. Review predictions", "Sign up")
    for text in (prediction.id, prediction.input.sha256, *texts):
        assert str(text) in html
    assert (prediction.label, prediction.user.username, prediction.user.is_active) == ("7", "(tour)", False)


def test_each_sample_is_predicted_once(tour_client):
    for _ in range(2):
        for name in list_samples():
            assert tour_client.post("/tour/", {"sample": name}).status_code == 302
    assert Prediction.objects.count() == Input.objects.count() == 12


def store_failures(count, sample="seven"):
    """Store predictions of a sample as they are stored if the model fails."""
    failed = {"status": "failed", "output": None, "label": "", "confidence": None, "margin": None}
    for _ in range(count):
        prediction = Prediction.objects.select_related("input").get(client_reference="three")
        prediction.input.pk, prediction.pk = uuid7(), uuid7()
        prediction.client_reference = sample
        for name, value in {**failed, "error_code": "model-failed", "error_message": "Failed."}.items():
            setattr(prediction, name, value)
        prediction.input.save(force_insert=True)
        prediction.input = prediction.input
        prediction.save(force_insert=True)


def test_a_failing_model_is_run_only_a_few_times(tour_client):
    choose(tour_client, "three")
    store_failures(2)
    store_failures(1, "nine")
    assert "2. See the prediction" in choose(tour_client, "nine").content.decode()
    store_failures(1)
    page = choose(tour_client)
    assert page.status_code == 200
    assert "The model is currently failing for this sample." in page.content.decode()
    change_predictions(Prediction.objects.filter(status="failed"), created_at=timezone.now() - timedelta(minutes=61))
    assert "2. See the prediction" in choose(tour_client).content.decode()


def test_nothing_is_stored_if_the_model_cannot_be_loaded(tour_client):
    get_artifact_path(ModelVersion.objects.get()).write_bytes(b"damaged")
    unload_models()
    page = choose(tour_client)
    assert page.status_code == 200
    assert "The artifact of digits:1 differs from the registered file." in page.content.decode()
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("sample", ["", "../seven", "eleven", "seven.png", "x" * 5000, "\0"])
def test_an_unknown_sample_is_an_error_and_nothing_is_stored(tour_client, sample):
    page = choose(tour_client, sample)
    assert page.status_code == 200
    assert "does not exist." in page.content.decode()
    assert not Prediction.objects.exists()
    assert tour_client.get("/tour/", {"sample": sample}).status_code == 200
    assert tour_client.get("/tour/samples/eleven.png").status_code == 404


def test_visitors_see_only_predictions_of_the_tour(tour_client, user):
    choose(tour_client)
    prediction = Prediction.objects.get()
    assert tour_client.get(prediction.get_absolute_url()).status_code == 302
    Prediction.objects.update(user=user)
    assert str(prediction.id) not in tour_client.get("/tour/?sample=seven").content.decode()


def test_the_tour_can_be_turned_off(db, settings, client):
    settings.TOUR = False
    for url in ("/tour/", "/tour/samples/seven.png"):
        assert client.get(url).status_code == 404
    assert client.post("/tour/", {"sample": "seven"}).status_code == 404
    assert client.get("/")["Location"].startswith("/accounts/login/")


def test_the_tour_requires_the_example_model(settings, client, user):
    settings.TOUR = True
    assert client.get("/", follow=True).redirect_chain[-1] == ("/accounts/login/?next=/", 302)
    client.force_login(user)
    assert client.get("/tour/").status_code == 404
