"""I11: each final prediction has an event with its status."""

from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from events.models import Event
from events.services.cleanup import remove_old_events
from events.services.fan_out import fan_out_events
from predictions.services.verification import verify_store
from predictions.tests.factories import make_prediction
from predictions.tests.queued import queue_image

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks")]


def find_breaches():
    return [breach.id for breach in verify_store(reads_files=False).breaches if breach.invariant == "I11"]


def test_a_prediction_without_its_event_is_found(shades, user):
    lost, changed, _ = (make_prediction(user) for _ in range(3))
    queue_image(user)
    assert find_breaches() == []
    assert verify_store(reads_files=False).checked["events"] == 3
    Event.objects.filter(uuid=lost.pk).delete()
    Event.objects.filter(uuid=changed.pk).update(type="prediction.failed")
    assert sorted(find_breaches()) == [str(lost.pk), str(changed.pk)]


def test_predictions_before_the_table_of_events_are_not_checked(shades, user):
    make_prediction(user)
    Event.objects.all().delete()
    assert len(find_breaches()) == 1
    MigrationRecorder.Migration.objects.filter(app="events").update(applied=timezone.now() + timedelta(seconds=1))
    assert find_breaches() == []


def test_predictions_whose_events_were_removed_are_not_checked(shades, user, settings):
    settings.EVENT_RETENTION_DAYS = 3
    make_prediction(user)
    fan_out_events()
    Event.objects.update(created_at=timezone.now() - timedelta(days=4))
    assert remove_old_events() == 2  # of the prediction, and of the alias
    assert len(find_breaches()) == 1
    settings.EVENT_RETENTION_DAYS = 0
    assert find_breaches() == []
