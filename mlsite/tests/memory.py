"""Measure the resident memory of the worker processes of a site."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsite.tests.site import Site

SAMPLE_SECONDS = 0.05


class MemorySampler:
    """Sample the resident memory of the worker processes. `growth` is the highest value above the first, in MB."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.start = self.highest = self.read_megabytes()
        self.is_done = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def read_megabytes(self) -> int:
        return read_resident_megabytes(self.site.list_workers())

    def run(self) -> None:
        while not self.is_done.wait(SAMPLE_SECONDS):
            self.highest = max(self.highest, self.read_megabytes())

    @property
    def growth(self) -> float:
        return self.highest - self.start


@contextmanager
def sample_memory(site: Site) -> Iterator[MemorySampler]:
    sampler = MemorySampler(site)
    sampler.thread.start()
    try:
        yield sampler
    finally:
        sampler.is_done.set()
        sampler.thread.join()


def read_resident_megabytes(pids: list[int]) -> int:
    """Return the resident memory of processes. Those that have exited do not count."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return total // 1024
