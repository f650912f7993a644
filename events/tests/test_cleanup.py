"""Old events are removed, pending ones are not."""

from datetime import timedelta

import pytest

from events.models import Delivery, Event
from events.services import cleanup
from events.services.cleanup import remove_old_events
from events.services.deliver import deliver_batch
from events.services.fan_out import fan_out_events
from events.targets import open_sink
from events.tests.sinks import REJECTED, RETRY, pass_time, record

pytestmark = pytest.mark.django_db


def list_subjects():
    return list(Event.objects.order_by("id").values_list("subject", flat=True))


@pytest.fixture
def old_events(sink, settings):
    """Return four events that are eight days old: delivered, failed, pending, and not fanned out. A fifth one is new."""
    settings.EVENT_RETENTION_DAYS = 7
    record("delivered", "failed", "pending")
    sink.outcomes.update({"failed": REJECTED, "pending": RETRY})
    fan_out_events()
    deliver_batch(target="memory", sink=open_sink("memory"))
    record("new")
    pass_time(timedelta(days=8))
    record("recent")


def test_events_that_nobody_has_to_send_are_removed(old_events):
    assert remove_old_events() == 2
    assert list_subjects() == ["pending", "new", "recent"]
    assert Delivery.objects.count() == 1
    assert remove_old_events() == 0


def test_events_for_a_sink_that_is_not_configured_any_more_are_removed(old_events, settings):
    settings.EVENT_SINKS = []
    assert remove_old_events() == 3
    assert list_subjects() == ["new", "recent"]


def test_many_events_are_removed_in_several_transactions(sink, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(cleanup, "MAX_REMOVED_EVENTS", 2)
    record(*map(str, range(5)))
    fan_out_events()
    Delivery.objects.all().delete()
    pass_time(timedelta(days=8))
    record("recent")
    assert remove_old_events() == 5
    assert list_subjects() == ["recent"]
