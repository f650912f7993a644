"""Faults of the database server."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress

from core.tests.processes import stop_process
from mlsite.tests.faults.catalog import POSTGRES, SQLITE, fault
from mlsite.tests.faults.installation import list_descendants, send_signal
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.memory import read_resident_megabytes

DOWN_SECONDS = 2.0
LONG_DOWN_SECONDS = 30.0
STALL_SECONDS = 8.0
MAX_RESPONSE_SECONDS = 5.5
RECOVERY_SECONDS = 5.0
MAX_GROWTH_MEGABYTES = 50
TERMINATIONS_PER_ROUND = 5
TERMINATION_PAUSE_SECONDS = 0.2
LONG_READ_SECONDS = 5.0


@fault("F7", "Database crashed", databases=(POSTGRES,), bar="503 within 5 s while it is down; recovery within 5 s")
def crash_database(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        time.sleep(random.uniform(0.2, 1.0))
        started = time.time()
        run.cluster.crash()
        time.sleep(DOWN_SECONDS)
        run.expect(run.site.get_status("/healthz") == 200, "/healthz was not 200 while the database was down")
        run.expect(run.site.get_status("/readyz") == 503, "/readyz was not 503 while the database was down")
        run.cluster.start(fsync=True)
        run.wait_for_ok(since=time.time())
        check_responses(run, started)
    run.orphan_limit = run.round_count * run.fault.threads
    run.expect((run.result.recovery_seconds or 0) <= RECOVERY_SECONDS, "the recovery was late")


def check_responses(run: FaultRun, since: float) -> None:
    """Check that no response since a time took long, and that those without success are `database-unavailable`."""
    events = run.load.list_responses(since)
    slow = [event for event in events if event.get("ms", 0) > 1000 * MAX_RESPONSE_SECONDS]
    run.expect(not slow, f"{len(slow)} responses took more than 5 s")
    lost = [event for event in events if event["type"] != "ok" and event.get("code") != "database-unavailable"]
    run.expect(not lost, f"{len(lost)} requests failed with something else than database-unavailable: {lost[:1]}")


@fault("F8", "Database sessions terminated", databases=(POSTGRES,), bar="at most one error per terminated session")
def terminate_sessions(run: FaultRun) -> None:
    run.start()
    terminated = 0
    for _ in run.iterate_rounds():
        for _ in range(TERMINATIONS_PER_ROUND):
            time.sleep(TERMINATION_PAUSE_SECONDS)
            rows = run.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT 1"
            )
            terminated += len(rows)
        run.wait_for_ok(since=time.time())
    errors = run.load.count("info", "fail")
    run.orphan_limit = terminated
    run.result.notes.append(f"{terminated} sessions terminated")
    run.expect(errors <= terminated, f"{errors} errors after {terminated} terminated sessions")


@fault("F9", "Idle connections closed by a restart", databases=(POSTGRES,), bar="no error", divisor=2)
def restart_idle_database(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        time.sleep(0.5)
        run.load.stop()
        run.cluster.stop()
        run.cluster.start(fsync=True)
        started = time.time()
        run.load.start()
        run.wait_for_ok(since=started)
    errors = run.load.count("info", "fail")
    run.expect(not errors, f"{errors} errors after restarts of the idle database")


@fault(
    "F10",
    "Database stopped for 30 s",
    databases=(POSTGRES,),
    bar="/healthz returns 200, /readyz returns 503; memory grows by at most 50 MB",
    divisor=10,
)
def stop_database(run: FaultRun) -> None:
    run.start()
    time.sleep(2)
    for _ in run.iterate_rounds():
        memory, started, workers = read_resident_megabytes(run.site.list_processes()), time.time(), run.site.list_workers()
        run.cluster.stop()
        while time.time() < started + LONG_DOWN_SECONDS:
            time.sleep(1)
            run.expect(run.site.get_status("/healthz") == 200, "/healthz was not 200 while the database was down")
            run.expect(run.site.get_status("/readyz") == 503, "/readyz was not 503 while the database was down")
        growth = read_resident_megabytes(run.site.list_processes()) - memory
        run.expect(growth < MAX_GROWTH_MEGABYTES, f"the memory grew by {growth} MB")
        run.cluster.start(fsync=True)
        run.wait_for_ok(since=time.time())
        run.expect(run.site.list_workers() == workers, "a worker was restarted")
        check_responses(run, started)
    run.orphan_limit = run.round_count * run.fault.threads


@fault("F33", "Database stalled (SIGSTOP)", databases=(POSTGRES,), bar="503 within 5 s; /healthz within 1 s", divisor=2)
def stall_database(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        time.sleep(random.uniform(0.5, 1.5))
        pids, started = list_descendants(run.cluster.pid), time.time()
        for pid in pids:
            with suppress(ProcessLookupError):  # a session of the server ended
                stop_process(pid)
        try:
            while time.time() < started + STALL_SECONDS:
                sent = time.time()
                response = run.get("/healthz", timeout=STALL_SECONDS)
                run.expect(response is not None and time.time() - sent < 1, "/healthz did not respond within 1 s")
                time.sleep(0.5)
            check_stalled_pages(run)
        finally:
            for pid in list_descendants(run.cluster.pid):
                send_signal(pid, signal.SIGCONT)
        healed = time.time()
        run.wait_for_ok(since=healed)
        late = [event for event in run.load.list_responses(started) if event.get("ms", 0) > 1000 * MAX_RESPONSE_SECONDS]
        run.expect(not late, f"{len(late)} responses took more than 5 s")
    run.orphan_limit = run.round_count * run.fault.threads * 2


def check_stalled_pages(run: FaultRun) -> None:
    """Check that /readyz and a page that needs the database say in time that it is unavailable."""
    for path in ("/readyz", "/predictions/", "/api/v1/predictions/"):
        sent = time.time()
        response = run.get(path, timeout=STALL_SECONDS, cookies={"sessionid": "x" * 32})
        run.expect(response is not None and response.status_code == 503, f"{path} was not 503")
        run.expect(time.time() - sent < MAX_RESPONSE_SECONDS, f"{path} took more than 5 s")


@fault(
    "F12",
    "SQLite: contention, kills, and a long reader",
    databases=(SQLITE,),
    bar="no error because of a locked database; integrity_check passes",
)
def contend_for_sqlite(run: FaultRun) -> None:
    run.start()
    path, finished = run.site.folder / "site.sqlite3", threading.Event()

    def read_in_long_transactions() -> None:
        while not finished.is_set():
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM predictions_prediction").fetchone()
                finished.wait(LONG_READ_SECONDS)

    reader = threading.Thread(target=read_in_long_transactions)
    reader.start()
    try:
        for _ in run.iterate_rounds():
            time.sleep(random.uniform(0.5, 1.0))
            ready, killed = run.site.count_ready(), time.time()
            send_signal(random.choice(run.site.list_workers()), signal.SIGKILL)
            run.wait_for_ok(since=killed)
            run.site.wait_for_ready_worker(ready)
            with closing(sqlite3.connect(path)) as connection:
                run.expect(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",), "integrity_check failed")
    finally:
        finished.set()
        reader.join()
    run.orphan_limit = run.round_count * run.fault.threads
    run.expect("database is locked" not in run.site.log.read_text(errors="replace"), "the database was locked")
