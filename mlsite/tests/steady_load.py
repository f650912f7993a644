"""Clients that send predictions to a running site without a pause, while something happens to it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from mlsite.tests.site import PREDICTIONS_PATH, Site, build_auth_header

RETRIES = 3
RETRY_SECONDS = 0.3
REQUESTS_PER_CONNECTION = 40


@dataclass
class LoadReport:
    """What the clients saw.

    Args:
        failures: of single attempts. `lost` are requests that failed with all retries.
        versions: the model version of each successful response, in the order of the responses.
    """

    durations: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def get_percentile(self, percent: float) -> float:
        return sorted(self.durations)[int(len(self.durations) * percent / 100)] if self.durations else 0.0

    def __str__(self) -> str:
        return (
            f"{len(self.durations)} requests, {len(self.failures)} failed attempts {self.failures[:5]}, "
            f"{len(self.lost)} lost with {RETRIES} retries, p50 {self.get_percentile(50):.3f} s, "
            f"p95 {self.get_percentile(95):.3f} s, slowest {max(self.durations, default=0):.3f} s"
        )


@contextmanager
def send_steadily(site: Site, token: str, content: dict[str, object], *, clients: int = 6) -> Iterator[LoadReport]:
    """Send the same input repeatedly on persistent connections during the block."""
    report, finished = LoadReport(), threading.Event()
    threads = [_Client(site, token, content, report, finished) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield report
    finally:
        finished.set()
        for thread in threads:
            thread.join()


class _Client(threading.Thread):
    """One client. It opens a new connection now and then, so that it reaches other workers."""

    def __init__(
        self, site: Site, token: str, content: dict[str, object], report: LoadReport, finished: threading.Event
    ) -> None:
        super().__init__()
        self.connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
        self.headers = {**build_auth_header(token), "Content-Type": "application/json"}
        self.body = json.dumps(content).encode()
        self.report, self.finished = report, finished

    def run(self) -> None:
        for number in itertools.count(1):
            if self.finished.is_set():
                break
            started = time.monotonic()
            self._send(number)
            self.report.durations.append(time.monotonic() - started)
        self.connection.close()

    def _send(self, number: int) -> None:
        headers = {**self.headers, **({"Connection": "close"} if number % REQUESTS_PER_CONNECTION == 0 else {})}
        for retry in range(RETRIES + 1):
            if self._attempt(headers):
                return
            time.sleep(RETRY_SECONDS * 2**retry)
        self.report.lost.append(self.report.failures[-1])

    def _attempt(self, headers: dict[str, str]) -> bool:
        try:
            self.connection.request("POST", PREDICTIONS_PATH, self.body, headers)
            response = self.connection.getresponse()
            data = response.read()
        except (OSError, HTTPException) as error:
            self.report.failures.append(repr(error))
            self.connection.close()
            return False
        if response.status != 201:
            self.report.failures.append(f"{response.status} {data[:200]!r}")
            return False
        created = json.loads(data)
        self.report.ids.append(created["id"])
        self.report.versions.append(created["model_version"])
        return True
