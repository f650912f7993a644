"""GET requests write nothing to the database."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference.tests.factories import make_image
from mlsite.tests.routes import fill_route, list_routes
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.once

READING = {"SELECT", "WITH", "DECLARE", "SHOW", "SET"}  # DECLARE opens a cursor; SET configures a new connection
# Django keeps the token of the email in the session. The readiness checks write, but change no row. Exports are recorded in
# the audit log.
EXPORTS = {"api:prediction-export", "predictions:history-export", "predictions:own-data"}
WRITING_ROUTES = {"accounts:password_reset_confirm", "readyz", "v2-ready", *EXPORTS}


@pytest.fixture
def arguments(shades, superuser):
    """Return an existing value for each argument in a route."""
    prediction = make_prediction(superuser, make_image(255))
    return {
        "predictions/<uuid:pk>": f"predictions/{prediction.pk}",
        "inputs/<uuid:pk>": f"inputs/{prediction.input_id}",
        "models/<slug:name>": "models/shades",
        "tour/samples/<slug:name>": "tour/samples/seven",
        "<path:object_id>": str(prediction.pk),
        "<id>": str(prediction.pk),
        "<int:number>": "1",
        "<uuid:pk>": str(prediction.pk),
    }


@pytest.mark.django_db
def test_get_requests_only_read(arguments, client, superuser, settings):
    settings.TOUR = True
    client.force_login(superuser)
    client.get("/")  # creates content types and permissions in Django's caches
    statuses = []
    for route, name in list_routes():
        url = fill_route(route, arguments)
        if "<" in url or "(?P" in url or name in WRITING_ROUTES:
            continue
        with CaptureQueriesContext(connection) as queries:
            statuses.append(client.get(url).status_code)
        verbs = {query["sql"].lstrip(" (\n").split()[0].upper() for query in queries}
        assert verbs <= READING, f"GET {url} ({name}) ran {sorted(verbs - READING)}"
    assert statuses.count(200) > 40
