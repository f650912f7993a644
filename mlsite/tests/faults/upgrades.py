"""Upgrades and rollbacks of the code and the schema of a site, under load. The procedure is that of docs/deploy.md."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.load import get_percentile
from mlsite.tests.faults.releases import CodeFolder, Release
from mlsite.tests.faults.run import FaultRun

PREDICTIONS_BETWEEN_STEPS = 40
MAX_SECONDS = 90  # of one step
MAX_MIGRATION_ATTEMPTS = 5
MAX_MILLISECONDS = 2000  # of 99 of 100 requests
ERRORS_PER_MILLE = 1  # of requests without retries
BATCH_ROWS = 500
NEWEST_ROWS = 10
READ_PAUSE_SECONDS = 0.2
READ_PATHS = ("/api/v1/predictions/", "/api/v1/models/", "/readyz")
TABLE = "predictions_prediction"


@fault(
    "F27",
    "Migration under load",
    bar="no 5xx, except on SQLite for at most 1 request in 1,000 while it copies a table; p99 at most 2 s; all releases run",
    divisor=10,
)
def upgrade_under_load(run: FaultRun) -> None:
    upgrade = Upgrade(run)
    upgrade.check_out(upgrade.release)
    upgrade.migrate()
    run.start()
    since = time.time()
    with read_constantly(run) as statuses:
        for number in run.iterate_rounds():
            upgrade.run_round(number + 1)
    run.result.notes.append(f"{upgrade.reloads} reloads, {upgrade.attempts} runs of migrate, {statuses.total()} reads")
    unexpected = {status: count for status, count in statuses.items() if status not in (200, 0)}
    run.expect(not unexpected, f"readers received {unexpected}")
    errors, total = run.load.count("info", "fail") + statuses[0], run.load.count("invoke") + statuses.total()
    run.expect(errors * 1000 <= total * ERRORS_PER_MILLE, f"{errors} of {total} requests failed without retries")
    failed = Counter(event.get("code") for event in run.load.read("info", "fail") if "status" in event)
    if not run.is_postgres:
        failed.pop("database-unavailable", None)  # SQLite locks the database while it copies a table
    run.expect(not failed, f"responses with the codes {dict(failed)}")
    slow = get_percentile([event["ms"] for event in run.load.list_responses(since) if "ms" in event], 0.99)
    run.result.notes.append(f"p99 {slow:.0f} ms")
    run.expect(slow <= MAX_MILLISECONDS, f"p99 was {slow:.0f} ms")


class Upgrade:
    """The code of a running site, and the steps that change it."""

    def __init__(self, run: FaultRun) -> None:
        self.run = run
        self.code = CodeFolder(run.site.folder / "code")
        run.site.root = self.code.folder
        self.release = self.serving = Release("remove", 0)  # of the files, and of the processes
        self.reloads = self.attempts = 0

    def run_round(self, number: int) -> None:
        """Replace a column in three releases. Go back to the release before the first, and forward again."""
        before, expand = self.release, Release("expand", number)
        self.wait_for_predictions()
        self.check_out(expand)
        self.migrate()
        self.wait_for_predictions()  # of the old code, with the new schema
        self.reload()
        self.check_out(before)
        self.reload()
        self.check_out(expand)
        self.reload()
        self.fill_column(f"tag_{number}", f"tag_{number - 1}")
        for step in ("contract", "remove"):
            self.check_out(Release(step, number))
            self.migrate()
            self.wait_for_predictions()
            self.reload()
        empty = self.count_rows(f"tag_{number} IS NULL")
        self.run.expect(not empty, f"{empty} rows without a value in the new column")

    def check_out(self, release: Release) -> None:
        self.code.check_out(release)
        self.release = release

    def migrate(self) -> None:
        """Run `migrate`, and again if it did not get a lock."""
        for _ in range(MAX_MIGRATION_ATTEMPTS):
            self.attempts += 1
            try:
                self.run.site.manage("migrate", "-v0")
            except subprocess.CalledProcessError as error:
                assert "lock timeout" in error.stderr, error.stderr[-300:]
            else:
                return
        self.run.expect(False, f"migrate did not get a lock in {MAX_MIGRATION_ATTEMPTS} attempts")

    def reload(self) -> None:
        """Let the server load the code of the folder. Wait until all workers run it and have stored predictions."""
        workers, started = set(self.run.site.list_workers()), time.time()
        assert self.run.site.process
        os.kill(self.run.site.process.pid, signal.SIGHUP)
        is_replaced = wait_until(lambda: not workers & set(self.run.site.list_workers()), seconds=MAX_SECONDS)
        self.run.expect(is_replaced and self.run.site.wait_for_workers(), "the workers were not replaced")
        self.run.site.wait_until_ready()
        self.run.record_recovery(time.time() - started)
        self.reloads += 1
        self.serving = self.release
        self.wait_for_predictions()

    def wait_for_predictions(self) -> None:
        """Wait until some more predictions are acknowledged. The newest ones must be those of the release that serves."""
        goal = self.run.load.count("ok") + PREDICTIONS_BETWEEN_STEPS
        is_serving = wait_until(lambda: self.run.load.count("ok") >= goal, seconds=MAX_SECONDS, pause=0.2)
        self.run.expect(is_serving, f"no predictions with {self.serving.name}")
        newest = f"SELECT {self.serving.columns[-1]} FROM {TABLE} ORDER BY id DESC LIMIT {NEWEST_ROWS}"
        names = {name for (name,) in self.query(newest)}
        self.run.expect(names == {self.serving.name}, f"{names} ran instead of {self.serving.name}")

    def fill_column(self, column: str, old: str) -> None:
        """Fill a new column from an old one in batches. Predictions of the releases before have no value."""
        batch = f"SELECT id FROM {TABLE} WHERE {column} IS NULL LIMIT {BATCH_ROWS}"
        while self.count_rows(f"{column} IS NULL"):
            self.query(f"UPDATE {TABLE} SET {column} = {old} WHERE id IN ({batch})")

    def count_rows(self, condition: str = "1 = 1") -> int:
        return int(self.query(f"SELECT count(*) FROM {TABLE} WHERE {condition}")[0][0])

    def query(self, sql: str) -> list[tuple]:
        """Run a statement on the database of the site, and return the rows."""
        if self.run.is_postgres:
            return self.run.execute(sql)
        with closing(sqlite3.connect(self.run.site.folder / "site.sqlite3", timeout=20, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()


@contextmanager
def read_constantly(run: FaultRun) -> Iterator[Counter[int]]:
    """Read lists during the block. Yield the numbers of responses by status; 0 means no response."""
    statuses: Counter[int] = Counter()
    finished = threading.Event()

    def read() -> None:
        while not finished.wait(READ_PAUSE_SECONDS):
            for path in READ_PATHS:
                response = run.get(path)
                statuses[response.status_code if response is not None else 0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield statuses
    finally:
        finished.set()
        reader.join()
