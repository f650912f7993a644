"""The OpenAPI schema offers what the API accepts from the user, with its limits."""

import pytest
from django.test import Client

from inference.tests.factories import make_noise_image
from predictions.api.schema import FILTER_DESCRIPTIONS
from predictions.filters import PredictionFilter
from predictions.tests.factories import PREDICTIONS_URL, make_upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def get_schema(token_headers):
    return lambda user: Client(headers=token_headers(user)).get("/api/schema/?format=json").json()


def list_parameters(schema, path, method="get"):
    return {item["name"]: item["schema"] for item in schema["paths"][path][method]["parameters"]}


def test_only_reviewers_see_what_only_they_can_send(get_schema, user, reviewer):
    schemas = get_schema(user), get_schema(reviewer)
    assert ["user" in list_parameters(schema, PREDICTIONS_URL) for schema in schemas] == [False, True]
    fields = [schema["components"]["schemas"]["ReviewInputRequest"]["properties"]["picked_by"] for schema in schemas]
    assert fields[0]["enum"] == ["api", "manual"]
    assert "enum" not in fields[1]  # a reference to all strategies


def test_numbers_and_lists_have_limits(get_schema, user, settings):
    schema = get_schema(user)
    filters = list_parameters(schema, PREDICTIONS_URL)
    assert (filters["min_confidence"]["minimum"], filters["max_confidence"]["maximum"]) == (0, 1)
    version = filters["version"]["items"]  # it can be repeated
    assert (version["type"], version["minimum"], version["maximum"]) == ("integer", 1, 2**31 - 1)
    fields = list_parameters(schema, PREDICTIONS_URL, "post")
    assert (fields["expires_in"]["minimum"], fields["expires_in"]["maximum"]) == (1, settings.MAX_EXPIRES_IN)
    assert fields["client_reference"]["maxLength"] == 255
    batch = schema["components"]["schemas"]["BatchRequest"]["properties"]
    assert (batch["features"]["minItems"], batch["features"]["maxItems"]) == (1, settings.MAX_BATCH_ROWS)
    exported = list_parameters(schema, f"{PREDICTIONS_URL}export/")
    assert exported.keys() == filters.keys() - {"cursor", "page_size", "include"} | {"format"}


def test_each_filter_has_a_description(get_schema, reviewer):
    schema = get_schema(reviewer)
    for path in (PREDICTIONS_URL, f"{PREDICTIONS_URL}export/"):
        described = {item["name"]: item["description"] for item in schema["paths"][path]["get"]["parameters"]}
        filters = set(PredictionFilter.base_filters)
        assert filters == set(FILTER_DESCRIPTIONS) == filters & described.keys()
        assert all(described[name].startswith(FILTER_DESCRIPTIONS[name]) for name in filters)
        assert described["status"] == "The status. Repeat it to match any of several values."


def test_errors_are_documented(get_schema, user):
    responses = {
        (path, method): operation["responses"]
        for path, operations in get_schema(user)["paths"].items()
        for method, operation in operations.items()
    }
    common = {"401", "403", "406", "429", "503"}
    assert [key for key, documented in responses.items() if not common <= documented.keys()] == []
    assert "504" in responses[PREDICTIONS_URL, "post"]
    assert {"410", "500"} <= responses["/api/v1/inputs/{id}/image/", "get"].keys()


def test_unknown_keys_and_forms_that_are_rejected_are_not_offered(get_schema, user):
    schema = get_schema(user)
    requests = {name: item for name, item in schema["components"]["schemas"].items() if name.endswith("Request")}
    assert len(requests) > 5
    assert all(item["additionalProperties"] is False for item in requests.values())
    assert list(schema["paths"]["/api/v1/ground-truth/"]["post"]["requestBody"]["content"]) == ["application/json"]


def test_each_part_of_a_form_with_images_has_its_own_result(shades, api):
    parts = [make_upload(make_noise_image(1)), "text", make_upload(b"")]
    results = api.post(f"{PREDICTIONS_URL}batch/", {"image": parts}).json()["results"]
    assert [result["error"] and result["error"]["code"] for result in results] == [None, "not-a-file", "empty-file"]


@pytest.mark.parametrize(
    "item", [None, 5, "x", [], {}, [[]], True, {"id": None}, {"id": {}}, {"true_labels": {"a": 1}}, {"x": 1}]
)
def test_each_item_of_ground_truth_has_its_own_result(shades, api, item):
    response = api.post("/api/v1/ground-truth/", {"items": [item, item]}, content_type="application/json")
    assert response.status_code == 200
    assert [bool(result["code"] and result["detail"]) for result in response.json()["results"]] == [True, True]


@pytest.mark.parametrize(
    "item", [None, 5, "x", [], {}, [[]], True, {"text": {}}, {"image": 5}, {"client_reference": []}, {"x": 1}]
)
def test_each_item_of_a_batch_has_its_own_result(flowers, api, item):
    data = {"items": [item, {"features": {"petals": 1, "length": 2}}], "model": "flowers"}
    results = api.post(f"{PREDICTIONS_URL}batch/", data, content_type="application/json").json()["results"]
    assert results[0]["error"]["code"]
    assert results[1]["prediction"]["status"] == "succeeded"
