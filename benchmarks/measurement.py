"""Measure one contender: rate, latency, CPU time per stored prediction, memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import processes, servers, wrk
from benchmarks.contenders import Contender, check_example

SETTLE_SECONDS = 0.5  # between two counts of the rows; equal counts mean that no request is in progress any more


@dataclass(frozen=True)
class Sample:
    """The result of one run. CPU times are per stored prediction."""

    count: int
    rate: float
    p50_ms: float
    p99_ms: float
    server_ms: float
    database_ms: float
    memory_bytes: int

    @property
    def cpu_ms(self) -> float:
        return self.server_ms + self.database_ms


def measure(contender: Contender, cluster_url: str, database_pid: int, *, seconds: float, warm_up: float) -> Sample:
    """Warm a running contender up, then measure it.

    Raises:
        LoadError: a response was not successful, or a prediction is not in the database.
    """
    check_example(contender)
    if warm_up:
        wrk.run_wrk(contender.url, contender.request_files, warm_up)
    servers.execute(cluster_url, "CHECKPOINT")  # each run starts with the same work left to the database
    rows = wait_until_idle(contender)
    server_cpu, database_cpu = read_cpu(contender, database_pid)
    load = wrk.run_wrk(contender.url, contender.request_files, seconds)
    count = wait_until_idle(contender) - rows
    server_cpu_after, database_cpu_after = read_cpu(contender, database_pid)
    check_count(contender.name, load.requests, count)
    return Sample(
        count=count,
        rate=load.rate,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        server_ms=(server_cpu_after - server_cpu) * 1000 / count,
        database_ms=(database_cpu_after - database_cpu) * 1000 / count,
        memory_bytes=processes.read_memory_bytes(contender.server.pid),
    )


def wait_until_idle(contender: Contender) -> int:
    """Wait for the requests that are in progress after wrk has closed its connections. Return the number of rows."""
    rows = -1
    while rows != (rows := contender.count_predictions()):
        time.sleep(SETTLE_SECONDS)
    return rows


def read_cpu(contender: Contender, database_pid: int) -> tuple[float, float]:
    """Return the CPU seconds that the server and the database have used."""
    return processes.read_cpu_seconds(contender.server.pid), processes.read_cpu_seconds(database_pid)


def check_count(name: str, responses: int, rows: int) -> None:
    """Check that each response was stored. When wrk stops, one more request per connection can be in progress."""
    if not responses <= rows <= responses + wrk.CONNECTIONS:
        raise wrk.LoadError(f"{name}: {responses} responses, but {rows} predictions in the database")


def order_rounds(contenders: Sequence[Contender], rounds: int) -> list[list[Contender]]:
    """Return the contenders of each round: in order, then in reverse, and so on."""
    return [list(contenders) if number % 2 == 0 else list(reversed(contenders)) for number in range(rounds)]
