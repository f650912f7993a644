"""The list of predictions: filters and pagination."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from core.tests.problems import assert_problem
from predictions.models import Prediction
from predictions.tests.factories import PREDICTIONS_URL, change_predictions, make_prediction

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [255, 127, 0]),
        ({"label": "white"}, [255]),
        ({"label": "' OR 1=1--"}, []),
        ({"label": "%"}, []),
        ({"model": "shades"}, [255, 127, 0]),
        ({"model": "shades", "version": "1"}, [255, 127, 0]),
        ({"model": "other"}, []),
        ({"model": "shades:1"}, [255, 127, 0]),
        ({"model": "shades:2"}, []),
        ({"model": "shades@production"}, [255, 127, 0]),
        ({"model": "shades@staging"}, []),
        ({"model": "no such / thing"}, []),
        ({"version": "2"}, []),
        ({"status": "succeeded"}, [255, 127, 0]),
        ({"status": "failed"}, []),
        ({"source": "api"}, [255, 127, 0]),
        ({"source": "web"}, []),
        ({"min_confidence": "0"}, [255, 127, 0]),
        ({"min_confidence": "1"}, []),
        ({"max_confidence": "0.1"}, []),
        ({"client_reference": "ref-127"}, [127]),
        ({"client_reference": "ref-"}, []),
        ({"created_after": "2000-01-01T00:00:00Z"}, [255, 127, 0]),
        ({"created_after": "2000-01-01"}, [255, 127, 0]),
        ({"created_before": "2000-01-01T00:00:00+02:00"}, []),
        ({"format": "json"}, [255, 127, 0]),
    ],
)
def test_filters_select_predictions(three, api, query, expected):
    references = [row["client_reference"] for row in api.get(PREDICTIONS_URL, query).json()["results"]]
    assert references == [f"ref-{shade}" for shade in expected]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("user=ada", "unknown-filter"),
        ("user__password__startswith=a", "unknown-filter"),
        ("_connector=OR", "unknown-filter"),
        ("output__scores=1", "unknown-filter"),
        ("ordering=password", "unknown-filter"),
        ("lable=7", "unknown-filter"),
        ("status=done", "invalid-choice"),
        ("source=magic", "invalid-choice"),
        ("version=x", "invalid"),
        ("version=0", "min-value"),
        ("version=99999999999999999999", "max-value"),
        ("min_confidence=NaN", "invalid"),
        ("min_confidence=1e400", "invalid"),
        ("max_confidence=2", "max-value"),
        ("created_after=0000-00-00", "invalid"),
        ("created_after=10000-01-01", "invalid"),
        ("created_after=9999-12-31T23:59:59-23:00", "invalid"),
        ("created_before=yesterday", "invalid"),
        ("created_before=2026-01-01T00:00:00 02:00", "invalid"),
        ("label=%00", "null-characters-not-allowed"),
        ("page_size=0", "invalid"),
        ("page_size=101", "invalid"),
        ("page_size=-1", "invalid"),
        ("page_size=abc", "invalid"),
        ("page_size=" + "9" * 5000, "invalid"),
    ],
)
def test_invalid_filters_are_rejected_and_never_ignored(three, api, query, code):
    assert_problem(api.get(f"{PREDICTIONS_URL}?{query}"), 400, code)


def test_reviewers_filter_by_user(three, reviewer, token_headers, other):
    client = Client(headers=token_headers(reviewer))
    make_prediction(other)
    assert len(client.get(PREDICTIONS_URL).json()["results"]) == 4
    assert len(client.get(PREDICTIONS_URL, {"user": "ada"}).json()["results"]) == 3
    assert client.get(PREDICTIONS_URL, {"user": "nobody"}).json()["results"] == []


def test_pages_contain_each_row_once_while_rows_are_added(shades, user, api):
    first = [str(make_prediction(user).id) for _ in range(7)]
    seen, url = [], f"{PREDICTIONS_URL}?page_size=3"
    while url:
        body = api.get(url).json()
        seen += [row["id"] for row in body["results"]]
        make_prediction(user)
        url = body["next"]
    assert seen == first[::-1]
    assert "count" not in body


@pytest.mark.parametrize("cursor", ["zz", "%00", "cD0x", "cD1hYmM=", "9" * 5000])
def test_an_invalid_cursor_is_not_found(three, api, cursor):
    assert api.get(f"{PREDICTIONS_URL}?cursor={cursor}").status_code in (404, 400)


def test_times_with_different_offsets_are_compared_in_utc(three, api):
    change_predictions(Prediction.objects.filter(client_reference="ref-0"), created_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    inside = {"created_after": "2026-03-01T13:00:00+01:00", "created_before": "2026-03-01T12:00:01Z"}
    assert [row["client_reference"] for row in api.get(PREDICTIONS_URL, inside).json()["results"]] == ["ref-0"]
    assert api.get(PREDICTIONS_URL, {"created_before": "2026-03-01T12:00:00Z"}).json()["results"] == []
    now = datetime.now(UTC) - timedelta(hours=1)
    assert len(api.get(PREDICTIONS_URL, {"created_after": now.isoformat()}).json()["results"]) == 2
