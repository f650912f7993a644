"""The load of a fault: clients that send unique inputs, and what their journal records."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlsite.tests.load_client import run_load

MAX_SECONDS = 3600.0
CLIENT_TIMEOUT_SECONDS = 30.0


class Load:
    """Clients that run in the background between `start` and `stop`. All write to one journal."""

    def __init__(self, url: str, token: str, journal: Path, *, threads: int, certificate: str = "") -> None:
        self.url, self.token, self.journal, self.threads, self.certificate = url, token, journal, threads, certificate
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *, kind: str = "mixed", threads: int = 0) -> None:
        """Start the clients."""
        self._stop = threading.Event()
        options = {"url": self.url, "token": self.token, "journal": self.journal, "user": "demo", "kind": kind}
        options |= {"stop": self._stop, "seconds": MAX_SECONDS, "threads": threads or self.threads}
        options |= {"timeout": CLIENT_TIMEOUT_SECONDS, "certificate": self.certificate}
        self._thread = threading.Thread(target=run_load, kwargs=options)
        self._thread.start()

    def stop(self) -> None:
        """Stop the clients after their current requests."""
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def read(self, *types: str) -> Iterator[dict[str, Any]]:
        """Yield the events of the journal with these types. The last line may be incomplete."""
        if not self.journal.exists():
            return
        with self.journal.open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n") and (event := json.loads(line))["type"] in types:
                    yield event

    def count(self, *types: str) -> int:
        return sum(1 for _ in self.read(*types))

    def list_responses(self, since: float, until: float = float("inf")) -> list[dict[str, Any]]:
        """Return all events with an outcome of requests that ended in a time, in the order of the journal."""
        return [event for event in self.read("ok", "fail", "info") if since <= get_end(event) <= until]


def get_end(event: dict[str, Any]) -> float:
    """Return when the client knew the outcome, as `time.time()`."""
    return event.get("ended", event.get("at", 0.0))


def get_percentile(values: list[float], share: float) -> float:
    """Return a percentile of values, for example with the share 0.95; 0 if there is none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
