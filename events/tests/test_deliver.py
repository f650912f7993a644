"""Fan out events and deliver them: order, back-off, outages, and leases."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from events.models import Delivery, Event, TargetStatus
from events.services import deliver, record_events
from events.services.deliver import deliver_batch, is_paused
from events.services.fan_out import fan_out_events
from events.services.resend import send_again
from events.targets import open_sink
from events.tests.sinks import REJECTED, RETRY, MemorySink, OtherSink, make_unavailable, pass_time, record

pytestmark = pytest.mark.django_db


def relay(target="memory", *, batches=50):
    """Fan out, then send batches until nothing is due. Return how many deliveries were tried."""
    while fan_out_events():
        pass
    count = 0
    for _ in range(batches):
        sent = deliver_batch(target=target, sink=open_sink(target))
        count += sent
        if not sent:
            break
    return count


def get_seconds(row):
    """Return the seconds until the next attempt."""
    return (row.next_attempt_at - timezone.now()).total_seconds()


def get_states(target="memory"):
    return dict(Delivery.objects.filter(target=target).values_list("event__subject", "state"))


def test_events_are_delivered_in_order_and_marked_once(sink):
    record("a", "b", "c")
    assert relay() == 3
    assert sink.received == ["a", "b", "c"]
    assert relay() == 0
    assert set(get_states().values()) == {"delivered"}
    delivery = Delivery.objects.first()
    assert (delivery.attempts, delivery.error, delivery.lease) == (1, "", None)
    assert delivery.ended_at is not None and Event.objects.filter(is_fanned_out=False).count() == 0
    status = TargetStatus.objects.get()
    assert (status.delivered_count, status.failed_count, status.failures) == (3, 0, 0)


def test_each_sink_gets_each_event(sink, settings):
    settings.EVENT_SINKS = ["events.tests.sinks.MemorySink", "events.tests.sinks.OtherSink"]
    OtherSink.received.clear()
    record("a", "b")
    make_unavailable()
    relay(batches=1)
    sink.error = None
    assert relay("other") == 2
    assert (sink.received, OtherSink.received) == ([], ["a", "b"])
    assert get_states() == {"a": "pending", "b": "pending"}


def test_without_sinks_events_wait_for_nobody(settings):
    settings.EVENT_SINKS = []
    record("a")
    assert fan_out_events() == 1
    assert not Delivery.objects.exists() and not fan_out_events()


def test_events_must_be_recorded_in_a_transaction(sink):
    assert transaction.get_connection().in_atomic_block  # that of the test
    record_events(events=[])


@pytest.mark.django_db(transaction=True)
def test_events_cannot_be_recorded_outside_a_transaction(sink):
    with pytest.raises(transaction.TransactionManagementError):
        record("a")


def test_a_batch_has_one_event_of_each_key(sink):
    record("a1", "a2", "a3", key="a")
    record("b1", key="b")
    relay()
    assert sink.batches == [2, 1, 1]
    assert [subject for subject in sink.received if subject != "b1"] == ["a1", "a2", "a3"]


def test_a_later_event_of_the_key_waits_until_the_earlier_one_has_ended(sink):
    record("a1", "a2", key="a")
    record("b1", key="b")
    sink.outcomes["a1"] = RETRY
    relay()
    assert sink.received == ["b1"]
    assert get_states() == {"a1": "pending", "a2": "pending", "b1": "delivered"}
    pass_time(timedelta(days=1))
    sink.outcomes["a1"] = REJECTED
    relay()
    assert sink.received == ["b1", "a2"]
    assert get_states() == {"a1": "failed", "a2": "delivered", "b1": "delivered"}
    assert TargetStatus.objects.get().failed_count == 1


def test_attempts_back_off_until_the_event_fails(sink, settings):
    settings.EVENT_MAX_ATTEMPTS = 4
    record("a")
    sink.outcomes["a"] = RETRY
    for delay in (5, 20, 80, None):
        assert (relay(), relay()) == (1, 0)
        row = Delivery.objects.get()
        assert row.error == "try later"
        if delay:
            assert 0.7 * delay <= get_seconds(row) <= 1.2 * delay
        pass_time(timedelta(seconds=1.2 * (delay or 0)))
    assert (row.state, row.attempts) == ("failed", 4)
    assert relay() == 0


def test_an_outage_pauses_the_target_and_loses_nothing(sink, settings):
    settings.EVENT_MAX_ATTEMPTS = 2
    sink.batch_size = 2
    record("a", "b", "c")
    make_unavailable()
    for failures, pause in enumerate((1, 2, 4, 8, 16, 32, 60, 60), 1):
        assert not is_paused("memory")
        relay(batches=1)
        assert is_paused("memory")
        status = TargetStatus.objects.get()
        assert (status.failures, status.error) == (failures, "connection refused")
        assert 0.7 * pause <= get_seconds(status) <= 1.2 * pause
        pass_time(timedelta(seconds=1.2 * pause))
    assert set(get_states().values()) == {"pending"}
    sink.error = None
    relay()
    assert sink.received == ["a", "b", "c"]
    status.refresh_from_db()
    assert (status.failures, status.error, status.next_attempt_at) == (0, "", None)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_the_other_system_can_request_a_delay(sink):
    record("a")
    make_unavailable(delay=500)
    relay(batches=1)
    assert get_seconds(TargetStatus.objects.get()) > 390


def test_events_that_are_too_old_for_the_sink_fail_in_an_outage(sink):
    sink.max_age = timedelta(days=3)
    record("old")
    pass_time(timedelta(days=4))
    record("new")
    make_unavailable()
    relay(batches=1)
    assert get_states() == {"old": "failed", "new": "pending"}


def test_events_that_are_too_old_for_the_sink_are_not_tried_again(sink):
    sink.max_age = timedelta(days=3)
    record("old")
    pass_time(timedelta(days=4))
    sink.outcomes["old"] = RETRY
    relay()
    assert get_states() == {"old": "failed"}


def test_a_lease_keeps_other_relays_away_until_it_ends(sink):
    record("a1", "a2", key="a")
    fan_out_events()
    first = open_sink("memory")
    claimed = deliver._claim_deliveries("memory", first, deliver.uuid4())  # this relay is killed now
    assert [row.event.subject for row in claimed] == ["a1"]
    assert relay() == 0
    pass_time(timedelta(seconds=sink.send_seconds + 20))
    assert relay() == 2
    assert sink.received == ["a1", "a2"]


def test_a_relay_that_has_lost_its_lease_changes_nothing(sink):
    record("a")
    fan_out_events()
    late = deliver._claim_deliveries("memory", open_sink("memory"), deliver.uuid4())
    pass_time(timedelta(hours=1))
    relay()
    deliver._store_outcomes("memory", open_sink("memory"), [(late[0], REJECTED)])
    assert get_states() == {"a": "delivered"}
    assert TargetStatus.objects.get().failed_count == 0


def test_ended_deliveries_can_be_sent_again(sink):
    record("a", "b")
    sink.outcomes["a"] = REJECTED
    relay()
    sink.outcomes.clear()
    assert send_again(deliveries=Delivery.objects.filter(state="failed")) == 1
    assert relay() == 1
    assert sink.received == ["b", "a"]
    assert set(get_states().values()) == {"delivered"}


def test_a_target_without_a_sink_keeps_its_events(sink, settings):
    record("a")
    fan_out_events()
    settings.EVENT_SINKS = []
    assert open_sink("memory") is None and open_sink("webhook:1") is None
    assert get_states() == {"a": "pending"}


class BrokenSink(MemorySink):
    """Raises an unexpected error if a batch contains a certain event."""

    def send(self, events):
        if any(event["subject"] == "broken" for event in events):
            raise ValueError("bug")
        return super().send(events)


def test_an_event_with_which_a_sink_always_fails_does_not_hold_the_others(sink):
    record("a", "b", "broken", "c", "d")
    fan_out_events()
    sink.batch_size = 4
    for _ in range(4):
        for _ in range(6):
            with suppress(ValueError):
                deliver_batch(target="memory", sink=BrokenSink())
        pass_time(timedelta(minutes=5))
    assert sorted(sink.received) == ["a", "b", "c", "d"]
    assert get_states()["broken"] == "pending"
