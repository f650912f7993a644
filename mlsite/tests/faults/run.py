"""Run one fault: start a site and clients, inject and heal the fault in rounds, and verify the store."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg2
import requests

from mlsite.tests.faults.catalog import POSTGRES, Fault
from mlsite.tests.faults.installation import FaultSite, Prepared, copy_prepared, wait_until
from mlsite.tests.faults.load import Load, get_end
from mlsite.tests.faults.results import Result
from mlsite.tests.postgres import Cluster

MAX_REST_SECONDS = float(os.environ.get("FAULT_REST_SECONDS", "90"))  # of further load, to reach the number of `ok`
HARMLESS_BREACHES = ("I6",)  # files without a row, which a kill may leave until the sweep


class FaultRun:
    """A running site under load, for the function that injects a fault.

    Attributes:
        round_count: how often to inject it.
        result: what is reported.
        orphan_limit: how many files without a row may be left before the sweep.
    """

    def __init__(self, fault: Fault, prepared: Prepared, site: FaultSite, cluster: Cluster | None, rounds: int) -> None:
        self.fault, self.site, self._cluster = fault, site, cluster
        self.database, self.token = prepared.database, prepared.token
        self.round_count = max(1, rounds // fault.divisor)
        self.result = Result(fault.id, fault.name, prepared.database, bar=fault.bar)
        self.load = Load(site.url, self.token, site.folder / "journal.jsonl", threads=fault.threads)
        self.orphan_limit = 0
        self.is_finished = False
        self.verify_environment: dict[str, str] = {}

    @property
    def cluster(self) -> Cluster:
        assert self._cluster
        return self._cluster

    @property
    def is_postgres(self) -> bool:
        return self.database == POSTGRES

    def start(self, **options: str | int) -> None:
        """Start the server and the clients."""
        self.site.start()
        self.load.start(**options)  # type: ignore[arg-type]
        self.wait_for_ok(since=time.time())

    def iterate_rounds(self, count: int = 0) -> Iterator[int]:
        """Yield the numbers of the rounds, and count those that are complete."""
        for number in range(count or self.round_count):
            yield number
            self.result.rounds += 1

    def expect(self, condition: object, message: str) -> None:
        """Record that something of the bar does not hold."""
        if not condition:
            self.result.misses.append(message)

    def wait_for_ok(self, *, since: float, seconds: float = 60) -> float:
        """Wait for the first acknowledged prediction after a time. Record and return the seconds since then."""
        found: list[float] = []

        def find() -> bool:
            found.extend(get_end(event) - since for event in self.load.read("ok") if get_end(event) >= since)
            return bool(found)

        if wait_until(find, seconds=seconds):
            self.record_recovery(min(found))
            return min(found)
        self.expect(False, f"no prediction within {seconds:.0f} s after the fault")
        self.record_recovery(seconds)
        return seconds

    def record_recovery(self, seconds: float) -> None:
        self.result.recovery_seconds = max(self.result.recovery_seconds or 0.0, seconds)

    def get(self, path: str, *, timeout: float = 10, **options: Any) -> requests.Response | None:
        """Send a GET request with a token. Return None if there is no response."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with suppress(requests.RequestException):
            return requests.get(self.site.url + path, headers=headers, timeout=timeout, **options)
        return None

    def execute(self, sql: str, *parameters: object) -> list[tuple]:
        """Run a statement on PostgreSQL, on a connection of its own."""
        connection = psycopg2.connect(self.site.environment["DATABASE_URL"])
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def finish(self) -> None:
        """Wait until the site is ready, send the rest of the load, and verify the store. Do so once."""
        if self.is_finished:
            return
        self.is_finished = True
        self.expect(wait_until(lambda: self.site.get_status("/readyz") == 200, seconds=60), "not ready after the fault")
        if self.load.is_running:
            wait_until(lambda: self.load.count("ok") >= self.fault.acknowledged, seconds=MAX_REST_SECONDS, pause=0.5)
        self.load.stop()
        self.result.acknowledged += self.load.count("ok")
        self._check_codes()
        self.verify()

    def verify(self) -> None:
        """Verify the store before and after the sweep of files without a row."""
        before = self.verify_store()
        orphans = sum(breach["invariant"] in HARMLESS_BREACHES for breach in before)
        self.expect(orphans <= self.orphan_limit, f"{orphans} files without a row before the sweep")
        self.site.environment.update(self.verify_environment)
        self.site.manage("sweep_media", "--older-than", "0")
        after = self.verify_store()
        self.result.count_breaches(after)

    def verify_store(self) -> list[dict[str, str]]:
        """Return the breaches that `manage.py verify_store` finds with the journal."""
        command = ["verify_store", "--json"]
        if self.load.journal.exists():
            command += ["--journal", str(self.load.journal)]
        output = self.site.manage_any(*command, **self.verify_environment)
        return json.loads(output.splitlines()[0])["breaches"]

    def _check_codes(self) -> None:
        """Record server errors, which no fault may cause."""
        statuses = Counter(
            (event["status"], event.get("code", "")) for event in self.load.read("fail", "info") if "status" in event
        )
        for (status, code), count in sorted(statuses.items()):
            self.result.notes.append(f"{count} × {status} {code}")
            self.expect(status != 500, f"{count} responses with the status 500 {code}")
            self.expect(status >= 429, f"{count} responses with the status {status} {code}")
        lost = sum("status" not in event for event in self.load.read("info"))
        if lost:
            self.result.notes.append(f"{lost} × no response")


def run_fault(fault: Fault, prepared: Prepared, rounds: int) -> Result:
    """Run a fault and return its result."""
    started = time.monotonic()
    with copy_prepared(prepared, **fault.settings) as (site, cluster):
        run = FaultRun(fault, prepared, site, cluster, rounds)
        try:
            fault.inject(run)
            if not run.result.not_run:
                run.finish()
        except (AssertionError, OSError, subprocess.SubprocessError, requests.RequestException, psycopg2.Error) as error:
            run.expect(False, f"stopped: {type(error).__name__}: {str(error)[-300:]}")
            run.result.other += 1
        finally:
            run.load.stop()
        run.result.seconds = time.monotonic() - started
        keep = os.environ.get("FAULT_LOGS")
        if keep and run.site.log.exists():
            subprocess.run(["cp", run.site.log, f"{keep}/{fault.id}-{prepared.database}.log"], check=True)
        return run.result
