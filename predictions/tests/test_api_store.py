"""`?store=false`: the response has the whole prediction, and only counts and timings are stored."""

import json
import logging

import pytest

from accounts.models import Usage
from core.tests.problems import assert_problem
from monitoring.aggregation import count_predictions
from predictions.models import Input, Prediction
from predictions.models.input import ERASED_SHA256
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction, make_upload
from predictions.tests.request_builders import ROW
from predictions.usage import count_succeeded

pytestmark = pytest.mark.django_db
URL, BATCH_URL = f"{PREDICTIONS_URL}?store=false", "/api/v1/predictions/batch/?store=false"
MARKER = "zqmarker"


def assert_nothing_is_stored(settings):
    stored = [*Prediction.objects.values(), *Input.objects.values()]
    assert MARKER not in repr(stored) and "white" not in repr(stored)
    assert not list_stored_files(settings)
    assert set(Input.objects.values_list("sha256", flat=True)) == {ERASED_SHA256}


def test_the_response_has_everything_and_the_database_nothing(shades, user, api, settings, caplog):
    caplog.set_level(logging.INFO)
    fields = {"image": make_upload(name=f"{MARKER}.png"), "client_reference": MARKER}
    response = api.post(URL, fields)
    body = response.json()
    assert (response.status_code, body["label"], body["client_reference"]) == (201, "white", MARKER)
    assert body["input"]["data_removed_at"] and body["input"]["image_url"] is None
    assert body["output"]["scores"]["white"] > 0.99
    assert_nothing_is_stored(settings)
    assert MARKER not in caplog.text and not any(getattr(record, "label", "") for record in caplog.records)
    row = Prediction.objects.get()
    assert (str(row.pk), row.user, row.status, row.output) == (body["id"], user, "succeeded", {})
    assert row.inference_ms is not None and row.input.size
    stored = api.get(body["url"]).json()
    assert (stored["label"], stored["timings"]) == (None, body["timings"])
    assert_problem(api.get(f"{body['input']['url']}image/"), 410, "data-removed")


def test_a_misspelled_parameter_stores_nothing(shades, api, settings):
    url = f"{PREDICTIONS_URL}?stroe=false"
    problem = assert_problem(api.post(url, {"image": make_upload()}), 400, "unknown-parameter")
    assert problem["detail"].endswith("Available parameters: format, include, store, unique_reference.")
    assert_problem(api.post(url, json.dumps({"features": ROW}), content_type="application/json"), 400, "unknown-parameter")
    assert not Input.objects.exists() and not list_stored_files(settings)


def test_a_prediction_without_data_is_counted(shades, user, api, settings):
    settings.DAILY_QUOTA = 200
    make_prediction(user)
    assert api.post(URL, {"image": make_upload()}).status_code == 201
    assert count_succeeded(shades) == 2
    row = Prediction.objects.order_by("-id").first()
    tally = count_predictions([(row.created_at.replace(minute=0, second=0, microsecond=0), row.completed_at)])
    (counts,) = (each.counts for each in tally.values())
    assert counts["status"] == {"succeeded": 2} and counts["label"] == {"white": 1}
    assert Usage.objects.get(user=user, kind="predictions").used >= 2


@pytest.mark.parametrize("kind", ["row", "text", "image"])
def test_all_kinds_of_requests(flowers, reviews, shades, api, settings, kind):
    requests = {
        "row": ({"features": ROW, "model": "flowers"}, "value"),
        "text": ({"text": f"{MARKER} is great", "model": "reviews"}, "value"),
    }
    if kind == "image":
        response, name = api.post(f"{URL}&model=shades", make_upload().read(), "image/png"), "label"
    else:
        fields, name = requests[kind]
        response = api.post(URL, json.dumps(fields), "application/json")
    assert response.status_code == 201 and response.json()[name]
    assert_nothing_is_stored(settings)


def test_a_batch_stores_nothing(flowers, shades, api, settings):
    body = {"items": [{"features": ROW, "client_reference": MARKER}, {"features": {}}], "model": "flowers"}
    results = api.post(BATCH_URL, json.dumps(body), "application/json").json()
    assert (results["succeeded"], results["results"][0]["prediction"]["client_reference"]) == (1, MARKER)
    assert api.post(f"{BATCH_URL}", {"image": [make_upload(), make_upload()], "model": "shades"}).json()["succeeded"] == 2
    assert_nothing_is_stored(settings)
    assert Prediction.objects.count() == 3


def test_a_failed_model_stores_no_message(register_failing, api, settings):
    register_failing(nan=True)
    response = api.post(URL, {"image": make_upload(), "model": "failing"})
    assert_problem(response, 500, "model-output-invalid")
    assert "is stored" not in response.json()["detail"]
    row = Prediction.objects.get()
    assert (row.status, row.error_code, row.error_message) == ("failed", "model-output-invalid", "")


@pytest.mark.parametrize(
    ("query", "headers"),
    [("", {"idempotency-key": "k"}), ("", {"prefer": "respond-async"}), ("&unique_reference=true", {})],
)
def test_options_that_need_stored_data_are_rejected(shades, api, query, headers):
    fields = {"image": make_upload(), "client_reference": "x"}
    assert_problem(api.post(URL + query, fields, headers=headers), 400, "needs-storage")
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("url", ["/api/v1/batch-jobs/?store=false", "/v2/models/shades/infer?store=false"])
def test_endpoints_that_store_their_inputs_reject_it(shades, api, url):
    response = api.post(url, {}, "application/json")
    assert response.status_code == 400 and "store" in response.content.decode()


def test_another_value_is_rejected(shades, api):
    assert api.post(f"{PREDICTIONS_URL}?store=no", {"image": make_upload()}).status_code == 400
    assert api.post(f"{PREDICTIONS_URL}?store=true", {"image": make_upload()}).status_code == 201
    assert Input.objects.get().has_image


def test_a_prediction_without_data_cannot_be_reviewed(shades, api):
    body = api.post(URL, {"image": make_upload()}).json()
    response = api.post(f"{body['url']}reviews/", {"verdict": "correct"}, "application/json")
    assert response.status_code in (403, 409)
