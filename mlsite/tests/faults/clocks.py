"""Jumps of the system's clock."""

from __future__ import annotations

import time
from itertools import cycle
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.run import FaultRun

LIBRARY = "libfaketimeMT.so.1"
JUMPS = ("+1h", "-1h", "+0")


@fault(
    "F26", "Clock jumps by an hour", bar="no error: tokens, keys, and latencies do not depend on it", programs=("faketime",)
)
def change_clock(run: FaultRun) -> None:
    library = next(path for path in Path("/usr/lib").rglob(LIBRARY))
    clock = run.site.folder / "clock"
    clock.write_text("+0\n")
    variables = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1}
    variables |= {"FAKETIME_DONT_FAKE_MONOTONIC": 1, "DONT_FAKE_MONOTONIC": 1}
    run.site.prefix = ("env", *(f"{name}={value}" for name, value in variables.items()))
    run.start()
    workers, jumps = run.site.list_workers(), cycle(JUMPS)
    for _ in run.iterate_rounds():
        time.sleep(1)
        temporary = clock.with_suffix(".new")
        temporary.write_text(f"{next(jumps)}\n")
        temporary.rename(clock)
        run.wait_for_ok(since=time.time())
        response = run.get("/api/v1/predictions/")
        run.expect(response is not None and response.status_code == 200, "the list did not open")
    run.expect(run.site.list_workers() == workers, "a worker was replaced")
    errors = run.load.count("info", "fail")
    run.expect(not errors, f"{errors} errors while the clock jumped")
