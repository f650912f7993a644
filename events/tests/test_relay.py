"""Relays: several at a time, killed ones, the scheduled job, and the command."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from core.tests.waiting import wait_until
from events import targets
from events.models import Delivery, Event
from events.services.relay import Relay, relay_pending
from events.sinks.base import DELIVERED, Sink
from events.tests.sinks import make_unavailable, record

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


def record_all(*subjects, **options):
    with transaction.atomic():
        return record(*subjects, **options)


def test_the_scheduled_job_sends_what_is_due_and_closes_its_sinks(sink):
    record_all("a", "b")
    assert relay_pending() == 2
    assert sink.received == ["a", "b"]
    assert sink.calls["close"] == 1
    assert relay_pending() == 0


def test_an_idle_relay_needs_few_queries(sink, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        assert relay_pending() == 0


def test_new_events_without_a_target_wait_for_the_next_run(settings):
    settings.EVENT_SINKS = []
    fan_outs = []

    def record_another(execute, sql, *arguments):
        result = execute(sql, *arguments)
        if sql.startswith("UPDATE"):
            fan_outs.append(sql)
            record("a request stores it meanwhile")
        return result

    record_all("a")
    with connection.execute_wrapper(record_another), Relay() as relay:
        assert relay.run(seconds=1) == 0
    assert len(fan_outs) == 1
    assert list(Event.objects.filter(is_fanned_out=True).values_list("subject", flat=True)) == ["a"]


def test_all_events_of_a_key_are_sent_in_one_run(sink):
    record_all(*map(str, range(30)), key="a")
    assert relay_pending() == 30
    assert sink.received == [str(number) for number in range(30)]


def test_the_relay_stops_at_an_outage(sink):
    record_all("a", "b")
    make_unavailable()
    assert relay_pending() == 2
    assert sink.calls["send"] == 1
    assert relay_pending() == 0


def test_a_sink_with_a_bug_does_not_stop_the_relay(sink, caplog):
    record_all("a")
    sink.error = ValueError("bug")
    relay_pending()
    assert "the relay failed" in caplog.text
    assert sink.calls["close"] == 1
    assert Delivery.objects.get().state == "pending"


class HoldingTarget:
    """A provider of one target, whose sink does not return before the test has ended."""

    def __init__(self):
        self.started, self.released = threading.Event(), threading.Event()

    def select_targets(self, events):
        return [(event, "hold:1") for event in events]

    def open_sink(self, target):
        holder = self

        class HoldingSink(Sink):
            def send(self, events):
                holder.started.set()
                holder.released.wait(30)
                return [DELIVERED] * len(events)

        return HoldingSink()


@pytest.mark.parametrize("work", [Relay.run_forever, lambda relay: relay.run(seconds=0.1)], ids=["forever", "job"])
def test_a_target_that_hangs_does_not_hold_the_configured_sinks(sink, monkeypatch, work):
    monkeypatch.setattr("events.services.relay.RUN_SECONDS", 0.1)
    monkeypatch.setattr("events.services.relay.POLL_SECONDS", 0.1)
    target = HoldingTarget()
    monkeypatch.setitem(targets._providers, "hold", target)
    record_all("a")

    def run():
        try:
            work(relay)
        finally:
            connections.close_all()

    with Relay(thread_count=1) as relay:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert target.started.wait(10)
            wait_until(lambda: sink.received == ["a"])
            time.sleep(0.3)  # the time of the run is over
            record_all("b")
            wait_until(lambda: sink.received == ["a", "b"])
        finally:
            target.released.set()
            relay.stop()
            thread.join()


def test_the_command_sends_everything_and_exits(sink, capsys):
    record_all("a", "b")
    previous = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        call_command("relay_events", once=True)
    finally:
        signal.signal(signal.SIGTERM, previous[0])
        signal.signal(signal.SIGINT, previous[1])
    assert capsys.readouterr().out == "Tried 2 deliveries.\n"
    assert sink.received == ["a", "b"]


def test_relays_share_the_work_and_keep_the_order_of_each_key(sink):
    """On SQLite too, where they take turns."""
    sink.batch_size = 5
    for number in range(6):
        record_all(*(f"{key}{number}" for key in "abcdefghij"), key=None)
    for key in "xyz":
        record_all(*(f"{key}{number}" for number in range(8)), key=key)

    def work():
        try:
            with Relay(thread_count=1) as relay:
                relay.run(seconds=60)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sink.received) == len(set(sink.received)) == 84
    for key in "xyz":
        assert [subject for subject in sink.received if subject[0] == key] == [f"{key}{number}" for number in range(8)]
    assert set(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


def get_database_url():
    options = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{options['NAME']}"
    return "postgres://{USER}@{HOST}:{PORT}/{NAME}".format(**options)


def test_killed_relays_lose_no_event(tmp_path, settings):
    """The relay is killed between the write and the acknowledgement. The fault F25 does so more often."""
    keys = [f"key{number}" for number in range(10)]
    for _ in range(4):
        with transaction.atomic():
            for key in keys:
                record(key, key=key)
    path = tmp_path / "events.jsonl"
    environment = {
        "ENV_FILE": "", "SECRET_KEY": "tests", "VAR_DIR": str(tmp_path), "DATABASE_URL": get_database_url(),
        "DJANGO_SETTINGS_MODULE": "mlsite.settings", "EVENT_SINKS": "events.tests.crashing_relay.CrashingSink",
        "EVENT_JSONL_PATH": str(path), "PATH": os.environ["PATH"],
    }  # fmt: skip
    command = [sys.executable, "-m", "events.tests.crashing_relay", "5"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60)
    settings.EVENT_SINKS, settings.EVENT_JSONL_PATH = ["jsonl"], str(path)
    while Delivery.objects.pending().exists():  # until the last lease ends
        relay_pending()
    received = [json.loads(line) for line in path.read_text().splitlines()]
    unique = {event["id"]: event for event in received}  # in the order of the first arrival
    stored = {str(event.uuid): event.key for event in Event.objects.order_by("id")}
    assert unique.keys() == stored.keys()
    assert len(received) > len(unique)  # some arrived twice
    for key in keys:
        sent = [event["id"] for event in unique.values() if event["partitionkey"] == key]
        assert sent == [uuid for uuid, stored_key in stored.items() if stored_key == key]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
