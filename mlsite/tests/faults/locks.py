"""Databases that respond, but cannot be written to: one that is read-only, and one that is locked for long."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from mlsite.tests.faults.catalog import POSTGRES, SQLITE, fault
from mlsite.tests.faults.databases import check_responses
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.run import FaultRun

READ_ONLY_SECONDS = 7.0  # longer than a successful check of the database is valid
LOCKED_SECONDS = 8.0  # longer than a request waits for the lock
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
TERMINATE_OLDER = f"{TERMINATE} AND backend_start < %s"
OPENING_SECONDS = 2.0  # within which a session appears that was being opened, also on a busy machine
MAKE_WRITABLE = "BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT"


@fault(
    "F36",
    "Database read-only",
    databases=(POSTGRES,),
    bar="503 while it is read-only, also from /readyz; works again without a restart",
    divisor=2,
)
def make_database_read_only(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        started = time.time()
        run.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        terminate_older_sessions(run)
        check_not_writable(run, time.time() + READ_ONLY_SECONDS)
        run.execute(MAKE_WRITABLE)
        run.execute(TERMINATE)
        run.wait_for_ok(since=time.time())
        check_responses(run, started)
    run.orphan_limit = run.round_count * run.fault.threads


def terminate_older_sessions(run: FaultRun) -> None:
    """Terminate all sessions that were started before, also those that are being opened. They have the old settings."""
    [(now,)] = run.execute("SELECT clock_timestamp()")
    deadline = time.monotonic() + OPENING_SECONDS
    while time.monotonic() < deadline:
        run.execute(TERMINATE_OLDER, now)
        time.sleep(0.1)


@fault("F37", "SQLite locked by another program", databases=(SQLITE,), bar="503 within 5 s, also from /readyz", divisor=2)
def lock_sqlite(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        with closing(sqlite3.connect(run.site.folder / "site.sqlite3", isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = time.time()
            check_not_writable(run, started + LOCKED_SECONDS)
            other.execute("ROLLBACK")
        run.wait_for_ok(since=time.time())
        check_responses(run, started)
    run.orphan_limit = run.round_count * run.fault.threads


def check_not_writable(run: FaultRun, until: float) -> None:
    """Check that the site notices before a time that it cannot write, and that it then accepts no prediction."""

    def is_not_ready() -> bool:
        response = run.get("/readyz")
        return response is not None and response.status_code == 503

    run.expect(
        wait_until(is_not_ready, seconds=until - time.time()), "/readyz was 200 although the database is not writable"
    )
    noticed = time.time()
    response = run.get("/healthz", timeout=5)
    run.expect(response is not None and response.status_code == 200, "/healthz was not 200")
    time.sleep(max(0.0, until - time.time()))
    stored = [event for event in run.load.list_responses(noticed, time.time()) if event["type"] == "ok"]
    run.expect(not stored, f"{len(stored)} predictions were acknowledged")
