"""The state of deliveries on the operations page, in `/metrics`, and in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from core.tests.pages import get_text
from events.models import Delivery, Event, TargetStatus
from events.services.deliver import deliver_batch
from events.services.fan_out import fan_out_events
from events.status import get_event_status
from events.targets import open_sink
from events.tests.sinks import REJECTED, RETRY, make_unavailable, pass_time, record

pytestmark = pytest.mark.django_db
EVENTS_URL, DELIVERIES_URL = (reverse(f"admin:events_{name}_changelist") for name in ("event", "delivery"))


@pytest.fixture
def deliveries(sink):
    """Let one event be delivered, one fail, one be pending for an hour, and one be new."""
    record("delivered", "failed", "pending")
    sink.outcomes.update({"failed": REJECTED, "pending": RETRY})
    fan_out_events()
    deliver_batch(target="memory", sink=open_sink("memory"))
    pass_time(timedelta(hours=1))
    record("new")


@pytest.fixture
def operator(make_user):
    operator = make_user("olga", is_staff=True)
    operator.groups.add(Group.objects.get(name="Operators"))
    return operator


def test_the_status_of_each_target(deliveries):
    status = get_event_status()
    assert (status.new.pending, status.new.lag_seconds < 60) == (1, True)
    (report,) = status.targets
    assert (report.name, report.pending, report.failed) == ("memory", 1, 1)
    assert (report.delivered_total, report.failed_total, report.error) == (1, 1, "")
    assert 3600 <= report.lag_seconds < 3660


def test_nothing_is_shown_without_events_and_sinks(settings):
    settings.EVENT_SINKS = []
    assert not get_event_status().is_shown


def test_the_targets_of_a_provider_are_one_line(sink):
    (event,) = record("a")
    for target in ("webhook:1", "webhook:2"):
        Delivery.objects.create(event=event, target=target, key="a")
    TargetStatus.objects.create(target="webhook:1", error="The host hooks.example was not found.")
    status = get_event_status()
    rows = [(report.name, report.pending, report.error) for report in status.targets]
    assert rows == [("memory", 0, ""), ("webhook", 2, "")]


def test_the_metrics_of_each_target(deliveries, operator, client):
    client.force_login(operator)
    lines = client.get("/metrics").content.decode().splitlines()
    for line in (
        'mlsite_events_pending{target="memory"} 1.0',
        'mlsite_events_pending{target="new"} 1.0',
        'mlsite_events_delivered_total{target="memory"} 1.0',
        'mlsite_events_failed_total{target="memory"} 1.0',
    ):
        assert line in lines
    (lag,) = (line for line in lines if line.startswith('mlsite_events_lag_seconds{target="memory"}'))
    assert 3600 <= float(lag.split()[-1]) < 3660


def test_the_operations_page_shows_outages(deliveries, sink, operator, client):
    client.force_login(operator)
    page = get_text(client.get("/operations/"))
    assert "Events" in page and "memory" in page and "New events are waiting for a relay." in page
    make_unavailable("connection refused.")
    Delivery.objects.pending().update(next_attempt_at="2020-01-01T00:00Z")
    deliver_batch(target="memory", sink=open_sink("memory"))
    assert "memory is unavailable: connection refused. The events" in get_text(client.get("/operations/"))


def test_the_operations_page_shows_no_events_without_sinks(settings, operator, client):
    settings.EVENT_SINKS = []
    client.force_login(operator)
    assert "events-title" not in client.get("/operations/").content.decode()


def test_operators_can_send_events_again(deliveries, operator, client):
    client.force_login(operator)
    page = get_text(client.get(DELIVERIES_URL, {"state": "failed"}))
    assert "failed" in page and "never" in page
    failed = Delivery.objects.get(state="failed")
    client.post(DELIVERIES_URL, {"action": "send_again", "_selected_action": [failed.pk]})
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.error) == ("pending", 0, "")
    delivered = Event.objects.get(subject="delivered")
    response = client.post(EVENTS_URL, {"action": "send_again", "_selected_action": [delivered.pk]}, follow=True)
    assert "1 delivery is sent again." in get_text(response)
    assert delivered.deliveries.get().state == "pending"


def test_an_event_is_found_by_its_id_and_shows_its_deliveries(deliveries, operator, client):
    client.force_login(operator)
    event = Event.objects.get(subject="failed")
    page = get_text(client.get(EVENTS_URL, {"q": str(event.uuid)}))
    assert "1 event" in page and str(event.uuid) in page
    assert "0 events" in get_text(client.get(EVENTS_URL, {"q": "failed"}))
    detail = get_text(client.get(reverse("admin:events_event_change", args=[event.pk])))
    assert "memory" in detail and "never" in detail


def test_staff_without_the_permission_see_no_events(deliveries, reviewer, client):
    client.force_login(reviewer)
    for url in (EVENTS_URL, DELIVERIES_URL):
        assert client.get(url).status_code == 403
