"""Jumps of the server's clock."""

from __future__ import annotations

import time
from itertools import cycle
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.clock_server import OFFSET_FILE
from mlsite.tests.faults.run import FaultRun

JUMP_SECONDS = (3600, -3600, 0)


@fault("F26", "Clock jumps by an hour", bar="no error: tokens, keys, and latencies do not depend on it")
def change_clock(run: FaultRun) -> None:
    clock = Path(run.site.environment["VAR_DIR"], OFFSET_FILE)
    run.site.configuration = "python:mlsite.tests.faults.clock_server"
    run.site.environment["FAULT_CLOCK"] = OFFSET_FILE
    run.start()
    workers, jumps = run.site.list_workers(), cycle(JUMP_SECONDS)
    for _ in run.iterate_rounds():
        time.sleep(1)
        temporary = clock.with_suffix(".new")
        temporary.write_text(str(next(jumps)))
        temporary.rename(clock)
        run.wait_for_ok(since=time.time())
        response = run.get("/api/v1/predictions/")
        run.expect(response is not None and response.status_code == 200, "the list did not open")
    run.expect(run.site.list_workers() == workers, "a worker was replaced")
    errors = run.load.count("info", "fail")
    run.expect(not errors, f"{errors} errors while the clock jumped")
