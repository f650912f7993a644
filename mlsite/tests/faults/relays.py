"""Faults of the relay, which sends events."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.site import ROOT

KILLS_PER_ROUND = 5
LEASE_SECONDS = 1.0  # longer than the lease of a killed relay


@fault(
    "F25",
    "Relay killed",
    bar="the event of each acknowledged prediction arrives; relays are killed between the write and the acknowledgement",
    acknowledged=1000,
    threads=4,
    settings={"EVENT_SINKS": "events.tests.crashing_relay.CrashingSink", "EVENT_RELAY_SECONDS": "0"},
)
def kill_relays(run: FaultRun) -> None:
    path = run.site.folder / "events.jsonl"
    run.site.environment |= {"EVENT_JSONL_PATH": str(path), "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
    run.start()
    kills = run.round_count * KILLS_PER_ROUND
    command = [sys.executable, "-m", "events.tests.crashing_relay", str(kills)]
    subprocess.run(command, cwd=ROOT, env=run.site.environment, check=True)
    run.result.rounds = kills
    run.finish()
    time.sleep(LEASE_SECONDS)
    run.site.manage_any("relay_events", "--once", EVENT_SINKS="jsonl")
    received = [json.loads(line)["id"] for line in path.read_text().splitlines()]
    missing = {event["prediction"] for event in run.load.read("ok")} - set(received)
    run.result.lost += len(missing)
    run.result.breaches += [f"no event of the prediction {prediction}" for prediction in sorted(missing)]
    doubled = len(received) - len(set(received))
    run.expect(doubled, "no event arrived twice, so no relay was killed after a write")
    run.result.notes.append(f"{len(received):,} events arrived, {doubled:,} of them twice")
