"""Crash at each step of storing a prediction."""

from __future__ import annotations

import time
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.crash_server import REQUEST_FILE, STEPS
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.run import FaultRun

CRASH_SECONDS = 20


@fault("F18", "Crash at each of ten steps", bar="each step crashes a worker, which is replaced", divisor=2)
def crash_at_each_step(run: FaultRun) -> None:
    run.site.configuration = "python:mlsite.tests.faults.crash_server"
    run.start()
    path = Path(run.site.environment["VAR_DIR"], REQUEST_FILE)
    for number in run.iterate_rounds(run.round_count * len(STEPS)):
        step, ready = STEPS[number % len(STEPS)], run.site.count_ready()
        temporary = path.with_suffix(".new")
        temporary.write_text(step)
        temporary.rename(path)
        has_crashed = wait_until(lambda: not path.exists(), seconds=CRASH_SECONDS, pause=0.01)
        run.expect(has_crashed, f"no worker has reached the step: {step}")
        if not has_crashed:
            path.unlink(missing_ok=True)
            continue
        crashed = time.time()
        run.wait_for_ok(since=crashed)
        run.expect(run.site.wait_for_ready_worker(ready), "a crashed worker was not replaced")
    run.orphan_limit = run.round_count * len(STEPS) * run.fault.threads
