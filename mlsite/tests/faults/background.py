"""Results of the faults of background work, which `mlsite/tests/test_background_faults.py` injects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlsite.tests.background_load import BackgroundLoad
from mlsite.tests.faults.results import Result, write_result

IDS = ("F2", "F23", "F24")  # of the faults that have a part with background work


@contextmanager
def record_rounds(load: BackgroundLoad, fault: str, name: str, installation: str, rounds: int) -> Iterator[None]:
    """Write a result about the rounds in this context, which must check the load.

    Args:
        installation: the broker, which may be `none`, and the database.
    """
    broker, _, database = installation.partition("-")
    label = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[database]
    result = Result(fault, name, f"{label}, {'no broker' if broker == 'none' else broker}", rounds)
    before, started = count_accepted(load), time.monotonic()
    try:
        yield
    except AssertionError as error:
        result.other += 1
        result.breaches.append(str(error)[:300])
        raise
    finally:
        result.acknowledged = count_accepted(load) - before
        result.seconds = time.monotonic() - started
        write_result(result)


def count_accepted(load: BackgroundLoad) -> int:
    return len(load.accepted.predictions) + len(load.accepted.jobs)
