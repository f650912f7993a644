"""Stop the processes of a PostgreSQL server without ending them, and measure how a site responds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from inference.tests.factories import make_noise_image
from mlsite.tests.postgres import Cluster
from mlsite.tests.site import Site


@dataclass(frozen=True, slots=True)
class TimedResponse:
    """A response, or None if there was none, and the seconds that the client waited for it."""

    response: requests.Response | None
    seconds: float


def list_processes(cluster: Cluster) -> list[int]:
    """Return the process ids of a server: the parent first, so that it starts no others after it is stopped."""
    children = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text()
    return [cluster.pid, *map(int, children.split())]


@contextmanager
def stall(cluster: Cluster) -> Iterator[None]:
    """Stop all processes of a server for the block."""
    os.kill(cluster.pid, signal.SIGSTOP)
    stopped = list_processes(cluster)
    try:
        for pid in stopped[1:]:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def send_image(site: Site, token: str, seed: int) -> TimedResponse:
    started = time.monotonic()
    try:
        response = site.predict(make_noise_image(seed), token, client_reference=f"image {seed}")
    except requests.RequestException:
        return TimedResponse(None, time.monotonic() - started)
    return TimedResponse(response, time.monotonic() - started)


def send_images(site: Site, token: str, *, clients: int, seeds: range) -> list[TimedResponse]:
    """Send one image per seed, from a number of clients at a time."""
    with ThreadPoolExecutor(clients) as threads:
        return list(threads.map(lambda seed: send_image(site, token, seed), seeds))
