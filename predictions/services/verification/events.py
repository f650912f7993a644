"""Verify the events of predictions."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from core.fields import get_first_id
from events.models import Event
from predictions.models import Prediction
from predictions.services.verification.report import Report, iterate_chunks

FIRST_MIGRATION = ("events", "0001_initial")
MARGIN = timedelta(hours=1)  # old events are removed meanwhile


def check_events(report: Report) -> None:
    """Check that each final prediction has an event with its status (I11). Two events of a prediction cannot be stored.

    Predictions are not checked if they are older than the table of events, or than the events that are stored.
    """
    since = _find_start()
    predictions = Prediction.objects.filter(pk__gte=get_first_id(since), status__in=Prediction.FINAL_STATUSES)
    for chunk in iterate_chunks(predictions.only("pk", "status")):
        report.checked["events"] += len(chunk)
        types = dict(Event.objects.filter(uuid__in=[row.pk for row in chunk]).values_list("uuid", "type"))
        for row in chunk:
            expected = f"prediction.{row.status}"
            if types.get(row.pk) != expected:
                found = types.get(row.pk, "none")
                report.add("I11", f"Expected the event {expected} of the prediction. Found: {found}.", id=row.pk)


def _find_start() -> datetime:
    """Return the time since which all predictions have a stored event."""
    migration = MigrationRecorder(connection).applied_migrations()[FIRST_MIGRATION]
    return max(migration.applied, timezone.now() - timedelta(days=settings.EVENT_RETENTION_DAYS) + MARGIN)
