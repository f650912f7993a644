"""Faults of the processes of the server."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

from mlsite_client import Client
from mlsite_client.errors import ApiError, ConnectionFailed
from mlsite_client.retries import RetryPolicy

from core.tests.processes import is_running
from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import send_signal, wait_until
from mlsite.tests.faults.run import FaultRun

ORPHAN_SECONDS = 35
GRACEFUL_SECONDS = 30
RECOVERY_SECONDS = 5.0
ERRORS_PER_MILLE = 1  # of requests without retries, during reloads


@fault("F1", "Worker killed", bar="a new worker is ready within 5 s; at most one error per kill and client")
def kill_workers(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        time.sleep(random.uniform(0.2, 1.0))
        ready, started = run.site.count_ready(), time.monotonic()
        send_signal(random.choice(run.site.list_workers()), signal.SIGKILL)
        run.expect(run.site.wait_for_ready_worker(ready), "a killed worker was not replaced")
        run.record_recovery(time.monotonic() - started)
    run.orphan_limit = run.round_count * run.fault.threads
    errors = run.load.count("info", "fail")
    run.expect(errors <= run.round_count * run.fault.threads, f"{errors} errors in {run.round_count} kills")
    run.expect((run.result.recovery_seconds or 0) <= RECOVERY_SECONDS, "a new worker was late")


@fault("F2", "Server killed, started again", bar="the port is free at once; no orphan worker after a second", divisor=2)
def kill_master(run: FaultRun) -> None:
    run.start()
    slowest_exit = 0.0
    for _ in run.iterate_rounds():
        time.sleep(random.uniform(0.2, 1.0))
        workers, killed = run.site.list_workers(), time.time()
        run.site.kill()
        run.site.start(wait=False)
        has_exited = wait_until(lambda gone=workers: not any(map(is_running, gone)), seconds=ORPHAN_SECONDS)
        run.expect(has_exited, "an orphan worker remained")
        slowest_exit = max(slowest_exit, time.time() - killed)
        try:
            run.site.wait_until_ready()
        except AssertionError:  # it has exited
            run.expect(False, "the server did not start at the first attempt")
            run.site.start()
        run.wait_for_ok(since=killed)
    run.orphan_limit = run.round_count * run.fault.threads
    run.result.notes.append(f"orphan workers exit within {slowest_exit:.1f} s")


@fault("F3", "SIGTERM under load", bar="exit status 0 within 30 s; no truncated response", divisor=2)
def stop_server(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        time.sleep(random.uniform(0.5, 1.0))
        started = time.monotonic()
        status = run.site.stop()
        run.expect(status == 0, f"the exit status was {status}")
        run.expect(time.monotonic() - started < GRACEFUL_SECONDS, "the server did not stop in time")
        stopped = time.time()
        run.site.start()
        run.wait_for_ok(since=stopped)
    short = sum("Incomplete" in event.get("error", "") for event in run.load.read("info"))
    run.expect(not short, f"{short} short responses")


@fault("F4", "Reload (SIGHUP)", bar="no failure with 3 retries; without retries, at most 1 request in 1,000 fails")
def reload_workers(run: FaultRun) -> None:
    run.start()
    operations, failures, finished = [0], [], threading.Event()

    def predict_with_retries(number: int) -> None:
        with Client(run.site.url, run.token, timeout=30, retries=RetryPolicy(max_retries=3)) as client:
            while not finished.is_set():
                row = dict.fromkeys(("sepal_length", "sepal_width", "petal_length", "petal_width"), number + 0.5)
                try:
                    client.predict(features=row, model="iris")
                except (ApiError, ConnectionFailed) as error:
                    failures.append(error)
                operations[0] += 1

    clients = [threading.Thread(target=predict_with_retries, args=(number,)) for number in range(2)]
    for client in clients:
        client.start()
    try:
        for _ in run.iterate_rounds():
            workers, reloaded = run.site.list_workers(), time.time()
            assert run.site.process
            os.kill(run.site.process.pid, signal.SIGHUP)
            is_replaced = wait_until(lambda: not set(workers) & set(run.site.list_workers()), seconds=90)  # noqa: B023
            run.expect(is_replaced and run.site.wait_for_workers(), "the workers were not replaced")
            run.site.wait_until_ready()
            run.record_recovery(time.time() - reloaded)
    finally:
        finished.set()
        for client in clients:
            client.join()
    run.expect(not failures, f"{len(failures)} of {operations[0]} operations failed with 3 retries: {failures[:1]}")
    errors, total = run.load.count("info", "fail"), run.load.count("invoke")
    run.expect(errors * 1000 <= total * ERRORS_PER_MILLE, f"{errors} of {total} requests failed without retries")
    run.result.notes.append(f"{operations[0]} operations with retries")
