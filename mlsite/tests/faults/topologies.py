"""Faults of an installation on several machines: one process of each kind is killed in turn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import ExitStack

from mlsite.tests import load_client
from mlsite.tests.brokers import find_missing
from mlsite.tests.faults.catalog import POSTGRES, fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.load import CLIENT_TIMEOUT_SECONDS, Load
from mlsite.tests.faults.mixed_clients import CLIENTS, MixedClients
from mlsite.tests.faults.results import Result
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.faults.topology import SETTINGS, Topology

LOAD_SECONDS = 2.0  # between two kills
DRAIN_SECONDS = 300  # longer than the lease of a killed relay
WAITING_SQL = (
    "SELECT (SELECT count(*) FROM events_event WHERE NOT is_fanned_out)"
    " + (SELECT count(*) FROM events_delivery WHERE state = 'pending')"
    " + (SELECT count(*) FROM predictions_queuedprediction)"
)
EVENTS_SQL = "SELECT uuid::text, key FROM events_event ORDER BY id"
PREDICTIONS_SQL = "SELECT id::text, status FROM predictions_prediction"


@fault(
    "F38",
    "One of each process killed in turn",
    bar="all work ends; each event arrives at Kafka and at the webhook, in the order of its key",
    databases=(POSTGRES,),
    programs=("nginx", "openssl"),
    divisor=10,
    threads=4,
    settings=SETTINGS,
)
def kill_each_process(run: FaultRun) -> None:
    if find_missing("rabbitmq"):
        run.result.not_run = "RabbitMQ missing"
        return
    with ExitStack() as stack:
        topology = Topology(run, stack)
        topology.start()
        options = {"threads": run.fault.threads, "certificate": str(topology.certificate)}
        run.load = Load(topology.url, run.token, run.site.folder / "journal.jsonl", **options)
        mixed = create_mixed_clients(run, topology)
        stack.callback(mixed.stop)
        run.load.start()
        mixed.start()
        run.wait_for_ok(since=time.time())
        for _ in run.iterate_rounds():
            for kill in topology.kills.values():
                time.sleep(LOAD_SECONDS)
                kill()
                run.wait_for_ok(since=time.time())
        run.orphan_limit = run.round_count * len(topology.kills) * (run.fault.threads + CLIENTS)
        run.expect(topology.wait_for_proxy(), "not ready behind the proxy")
        mixed.stop()
        run.finish()
        check_everything(run, topology, mixed)


def create_mixed_clients(run: FaultRun, topology: Topology) -> MixedClients:
    load = load_client.Load(topology.url, run.token, user="demo", timeout=CLIENT_TIMEOUT_SECONDS)
    return MixedClients(load, run.load.journal, topology.certificate)


def check_everything(run: FaultRun, topology: Topology, mixed: MixedClients) -> None:
    """Wait until all work has ended. Compare the predictions and the events with what clients and receivers got."""
    started = time.monotonic()
    is_drained = wait_until(lambda: run.execute(WAITING_SQL) == [(0,)], seconds=DRAIN_SECONDS, pause=0.5)
    run.expect(is_drained, f"work or events are left after {DRAIN_SECONDS} s")
    seconds = time.monotonic() - started
    topology.relay.kill()
    topology.kafka.wait_until_read()
    statuses = dict(run.execute(PREDICTIONS_SQL))
    lost = [pk for pk in mixed.accepted.queued if statuses.get(pk) != "succeeded"]
    run.expect(not lost, f"{len(lost)} queued predictions did not succeed")
    keys = dict(run.execute(EVENTS_SQL))
    without = statuses.keys() - keys.keys()
    run.result.breaches += [f"no event of the prediction {pk}" for pk in sorted(without)]
    run.result.lost += len(without)
    compare_events(run.result, "Kafka", keys, topology.kafka.values)
    compare_events(run.result, "webhook", keys, topology.received.read_bytes().splitlines())
    accepted = mixed.accepted
    counts = {"queued": len(accepted.queued), "in batches": len(accepted.batch), "reviewed": accepted.reviews}
    run.expect(all(counts.values()), f"predictions of one kind are missing: {counts}")
    run.expect(not accepted.errors, f"{accepted.errors} responses with the status 500")
    described = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    run.result.notes.insert(
        0, f"{len(statuses):,} predictions: {described}; all events arrived {seconds:.0f} s after the load"
    )


def compare_events(result: Result, target: str, keys: dict[str, str], values: Iterable[bytes]) -> None:
    """Compare the events of the database with those that arrived. Of an event that arrived several times, the first counts.

    Args:
        keys: of all events, by their IDs, in the order in which they happened.
        values: the CloudEvents, in the order in which they arrived.
    """
    events = [json.loads(value) for value in values]
    arrived = dict.fromkeys(event["id"] for event in events)
    missing, unknown = keys.keys() - arrived.keys(), arrived.keys() - keys.keys()
    result.lost += len(missing)
    result.breaches += [f"no event {uuid} at {target}" for uuid in sorted(missing)]
    if unknown:
        result.misses.append(f"{len(unknown)} unknown events at {target}")
    as_arrived = group_by_key(arrived, keys)
    pairs = [(as_arrived.get(key, []), ids) for key, ids in group_by_key(keys, keys).items()]
    if disordered := sum(found != [uuid for uuid in ids if uuid in arrived] for found, ids in pairs):
        result.misses.append(f"{disordered} keys with events in another order at {target}")
    result.notes.append(f"{len(arrived):,} events at {target}, {len(events) - len(arrived):,} of them repeated")


def group_by_key(ids: Iterable[str], keys: dict[str, str]) -> dict[str, list[str]]:
    """Return the IDs of known events by the key of the event, in their order."""
    grouped: dict[str, list[str]] = {}
    for uuid in ids:
        if uuid in keys:
            grouped.setdefault(keys[uuid], []).append(uuid)
    return grouped
