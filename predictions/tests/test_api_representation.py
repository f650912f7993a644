"""The JSON objects of the API, compared with the fields that the serializers declare for the OpenAPI schema."""

import pytest
from django.test import RequestFactory
from django.urls import reverse, set_script_prefix
from rest_framework.serializers import BaseSerializer

from predictions.api.representation import get_base_url
from predictions.api.serializers import (
    InputSerializer,
    PredictionSerializer,
    PredictionWithFeaturesSerializer,
    PredictionWithImageSerializer,
)
from predictions.models import Prediction

pytestmark = pytest.mark.django_db
VARIANTS = (PredictionSerializer, PredictionWithFeaturesSerializer, PredictionWithImageSerializer)
# Fields with a source in the models. For the others, the declaration gives only the schema.
COPIED_FIELDS = (
    "id", "url", "status", "source", "model", "model_version", "labels", "confidence", "value", "client_reference",
    "timings", "created_at", "completed_at", "warnings", "tags",
)  # fmt: skip
COPIED_INPUT_FIELDS = (
    "id", "kind", "url", "sha256", "content_type", "width", "height", "original_name", "text",
)  # fmt: skip


def make_context(user, **headers):
    request = RequestFactory().get("/", **headers)
    request.user = user
    return {"request": request}


def read_predictions():
    return Prediction.objects.with_related().with_reviews().order_by("id")


def assert_declared(serializer, represented):
    """Compare the keys and their order with the declared fields, also of nested objects and lists of objects."""
    assert list(represented) == list(serializer.fields)
    for name, field in serializer.fields.items():
        objects = represented[name] if isinstance(represented[name], list) else [represented[name]]
        for value in objects:
            child = getattr(field, "child", field)
            if isinstance(child, BaseSerializer) and value is not None:
                assert_declared(child, value)


def copy_fields(serializer, row, names):
    """Return the values that REST framework gives for the declared fields."""
    values = {name: serializer.fields[name].get_attribute(row) for name in names}
    return {
        name: None if value is None else serializer.fields[name].to_representation(value) for name, value in values.items()
    }


def test_the_declared_fields_are_represented_in_their_order(variety, user):
    for variant in VARIANTS:
        serializer = variant(context=make_context(user))
        for prediction in (*variety, *read_predictions()):
            assert_declared(serializer, serializer.to_representation(prediction))


def test_the_values_are_those_of_rest_framework(variety, user):
    context = make_context(user)
    serializer, input_serializer = PredictionSerializer(context=context), InputSerializer(context=context)
    for prediction in (*variety, *read_predictions()):
        represented = serializer.to_representation(prediction)
        row = represented["input"]
        assert {name: represented[name] for name in COPIED_FIELDS} == copy_fields(serializer, prediction, COPIED_FIELDS)
        assert {name: row[name] for name in COPIED_INPUT_FIELDS} == copy_fields(
            input_serializer, prediction.input, COPIED_INPUT_FIELDS
        )


def test_urls_have_the_scheme_host_and_prefix_of_the_request(user, settings):
    settings.ALLOWED_HOSTS = ["example.org"]
    request = RequestFactory().get("/", headers={"host": "example.org:8443"}, secure=True)
    set_script_prefix("/ml/")
    try:
        assert get_base_url(request) == request.build_absolute_uri(reverse("api:prediction-list")).removesuffix(
            "predictions/"
        )
    finally:
        set_script_prefix("/")
    assert get_base_url(request) == "https://example.org:8443/api/v1/"
