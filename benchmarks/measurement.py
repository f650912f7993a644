"""Measure one contender: rate, latency, CPU time per stored prediction, memory."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks import processes, wrk
from benchmarks.contenders import Contender
from benchmarks.databases import execute

MAX_WARM_UPS = 10
COUNT_INTERVAL_SECONDS = 0.5  # between two counts of the rows; equal counts mean that no request is in progress any more


@dataclass(frozen=True)
class Sample:
    """The result of one run. The rate is that of the inputs. CPU times are per stored prediction."""

    count: int
    rate: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    database_ms: float
    memory_bytes: int

    def get_cpu_ms(self) -> float:
        """Return the CPU time of server and database together."""
        return self.server_ms + self.database_ms


def measure(contender: Contender, cluster_url: str, database_pid: int, *, seconds: float, warm_up: float) -> Sample:
    """Warm a running contender up, then measure it.

    Raises:
        LoadError: a response was not successful, or a prediction is not in the database.
    """
    contender.check_example()
    if warm_up:
        run_warm_up(contender, warm_up)
    execute(cluster_url, "CHECKPOINT")  # each run starts with the same work left to the database
    rows = wait_until_idle(contender)
    server_cpu, database_cpu = read_cpu(contender, database_pid)
    load = wrk.run_wrk(contender.url, contender.request_files, seconds, contender.connections)
    rows_after = wait_until_idle(contender)
    server_cpu_after, database_cpu_after = read_cpu(contender, database_pid)
    count = load.requests
    if not count:
        raise wrk.LoadError(f"{contender.title}: no response in {seconds:g} seconds")
    if contender.table:
        count = rows_after - rows
        check_count(contender, load.requests, count)
    return Sample(
        count=count,
        rate=load.rate * contender.items,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        server_ms=(server_cpu_after - server_cpu) * 1000 / count,
        database_ms=(database_cpu_after - database_cpu) * 1000 / count,
        memory_bytes=processes.read_memory_bytes(contender.server.pid),
    )


def run_warm_up(contender: Contender, seconds: float) -> None:
    """Send requests for some seconds. Repeat this if the server has not yet responded once on each connection."""
    responses = 0
    for _ in range(MAX_WARM_UPS):
        responses += wrk.run_wrk(contender.url, contender.request_files, seconds, contender.connections).requests
        if responses >= contender.connections:
            return
    raise wrk.LoadError(f"{contender.title}: only {responses} responses in {MAX_WARM_UPS * seconds:g} seconds")


def wait_until_idle(contender: Contender) -> int:
    """Wait for the requests that are in progress after wrk has closed its connections. Return the number of predictions."""
    rows = -1
    while True:
        before, rows = rows, contender.count_predictions() if contender.table else 0
        if rows == before:
            return rows
        time.sleep(COUNT_INTERVAL_SECONDS)


def read_cpu(contender: Contender, database_pid: int) -> tuple[float, float]:
    """Return the CPU seconds that the server and the database have used."""
    return processes.read_cpu_seconds(contender.server.pid), processes.read_cpu_seconds(database_pid)


def check_count(contender: Contender, responses: int, rows: int) -> None:
    """Check that each response was stored. When wrk stops, one more request per connection can be in progress."""
    if not responses * contender.items <= rows <= (responses + contender.connections) * contender.items:
        raise wrk.LoadError(f"{contender.title}: {responses} responses, but {rows} predictions in the database")
