"""The contender without events stores the same rows as the site, but no event."""

import pytest
from django.db import connection

from benchmarks.eventless import build_statement
from events.models import Event
from predictions.models import Input, Prediction
from predictions.services import inserts
from predictions.tests.factories import make_prediction

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL"),
]


def test_only_the_event_is_left_out(shades, user, monkeypatch):
    stored = make_prediction(user)
    monkeypatch.setattr(inserts, "_build_statement", build_statement)
    other = make_prediction(user)
    assert Prediction.objects.get(pk=other.pk).output == stored.output
    assert Input.objects.get(pk=other.input_id).sha256 == stored.input.sha256
    assert list(Event.objects.filter(type__startswith="prediction.").values_list("uuid", flat=True)) == [stored.pk]
