"""Compare ways to store predictions: CPU of the program and of the database, rate, and latency.

    python -m benchmarks.store [sqlite | postgresql] [image | row]

Two processes store predictions in a temporary database, with eight threads each, as the server does by default. Between two
predictions, each thread computes for 2 ms, as a request does; this time is not counted. The ways are measured in turn.
"""

from __future__ import annotations

import contextlib
import functools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import django

from benchmarks.processes import read_cpu_seconds
from mlsite.tests import postgres

PROCESS_COUNT, THREAD_COUNT = 2, 8
ROUND_COUNT, ROUND_SECONDS = 5, 4
REQUEST_SECONDS = 0.002  # CPU of the other parts of a request


class Round(NamedTuple):
    """One round of one process: what its threads stored, its CPU time without that of `compute`, and all latencies."""

    cpu_seconds: float
    latencies: list[float]


@functools.cache
def get_version():
    from registry.models import ModelVersion

    return ModelVersion.objects.select_related("created_by").get()


def build_prediction(kind: str):
    from django.utils import timezone

    from predictions.models import Input, Prediction
    from predictions.services.inputs import PreparedInput

    version = get_version()
    data = os.urandom(264) if kind == "image" else b""
    row = Input(user=version.created_by, sha256="a" * 64, size=264, content_type="image/png", original_name="digit.png")
    row.kind = "image" if data else "tabular"
    row.features = None if data else {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    scores = {str(label): 0.123456 * label for label in range(10)}
    prediction = Prediction(input=row, model_version=version, user=version.created_by, status="succeeded", source="api")
    prediction.output, prediction.label, prediction.confidence = {"scores": scores}, "7", 0.9
    prediction.started_at = prediction.completed_at = timezone.now()
    prediction.preprocess_ms, prediction.queue_ms, prediction.inference_ms = 0.1, 0.2, 0.5
    return prediction, PreparedInput(row, None, data)


def store_with_orm(prediction, prepared) -> None:
    from django.core.files.base import ContentFile
    from django.db import transaction

    prepared.row.clean_fields(exclude=["user", "image"])
    prediction.clean_fields(exclude=["user", "input", "model_version"])
    if prepared.data:
        prepared.row.image.save("digit.png", ContentFile(prepared.data), save=False)
    with transaction.atomic():
        prepared.row.save(force_insert=True)
        prediction.save(force_insert=True)


class Alone:
    """Replaces the group of `predictions.services.storage`: each prediction has its own transaction."""

    def submit(self, prediction):
        from predictions.services.inserts import insert_predictions

        return insert_predictions([prediction])[0]


def store_in_turn(prediction, prepared) -> None:
    from predictions.services.storage import store_prediction

    store_prediction(prediction, prepared)


# For each way, the function that stores, and what replaces the group.
WAYS = {
    "ORM, Django's files": (store_with_orm, None),
    "own statement": (store_in_turn, Alone),
    "group commit": (store_in_turn, None),
}


def compute() -> float:
    """Use CPU as the other parts of a request do, and return how much."""
    started = time.thread_time()
    while (used := time.thread_time() - started) < REQUEST_SECONDS:
        pass
    return used


def run_round(way: str, kind: str) -> Round:
    from django.db import connection

    from predictions.services import storage

    latencies, computed = [], []
    ends_at = time.monotonic() + ROUND_SECONDS

    store, replacement = WAYS[way]
    group = storage._group
    if replacement:
        storage._group = replacement()

    def run_thread() -> None:
        while time.monotonic() < ends_at:
            computed.append(compute())
            built = build_prediction(kind)
            started = time.perf_counter()
            store(*built)
            latencies.append(time.perf_counter() - started)
        connection.close()

    threads = [threading.Thread(target=run_thread) for _ in range(THREAD_COUNT)]
    cpu = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    storage._group = group
    return Round(time.process_time() - cpu - sum(computed), latencies)


def create_version() -> None:
    from django.core.management import call_command

    from accounts.models import User
    from registry.models import ModelVersion, RegisteredModel

    call_command("migrate", verbosity=0)
    fields = {"number": 1, "runtime": "keras", "artifact": "a", "sha256": "a" * 64, "size": 1, "labels": list("0123456789")}
    model, user = RegisteredModel.objects.create(name="digits"), User.objects.create_user("ada")
    ModelVersion.objects.create(model=model, created_by=user, signature={}, **fields)


@contextlib.contextmanager
def start_database(vendor: str) -> Iterator[Callable[[], float]]:
    """Set the environment for a temporary database, and yield a function that returns the CPU time of its server."""
    with contextlib.ExitStack() as stack:
        # Below the current folder: the file system of /tmp may be in memory.
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=".", prefix="benchmark-"))
        environment = {"VAR_DIR": str(Path(folder).resolve()), "ENV_FILE": "", "SECRET_KEY": "x", "DATABASE_URL": ""}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "mlsite.settings", **environment}
        if vendor == "sqlite":
            yield lambda: 0.0
            return
        binaries = postgres.find_binaries()
        if binaries is None:
            sys.exit("PostgreSQL is not installed.")
        cluster = stack.enter_context(postgres.run_cluster(binaries, fsync=True))
        os.environ["DATABASE_URL"] = cluster.url
        pid = int((cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield functools.partial(read_cpu_seconds, pid)


def main(vendor: str = "sqlite", kind: str = "image") -> None:
    with start_database(vendor) as read_database_seconds:
        django.setup()
        create_version()
        rows: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
        with ProcessPoolExecutor(PROCESS_COUNT, get_context("spawn"), django.setup) as processes:
            for number in range(ROUND_COUNT + 1):
                for way, results in rows.items():
                    database = read_database_seconds()
                    rounds = [
                        future.result() for future in [processes.submit(run_round, way, kind) for _ in range(PROCESS_COUNT)]
                    ]
                    database = read_database_seconds() - database
                    latencies = sorted(latency * 1000 for each in rounds for latency in each.latencies)
                    count = len(latencies)
                    cpu = sum(each.cpu_seconds for each in rounds) / count * 1000
                    percentiles = latencies[count // 2], latencies[count * 99 // 100]
                    if number:  # the first round warms up
                        results.append((cpu, database / count * 1000, count / ROUND_SECONDS, *percentiles))
    for way, results in rows.items():
        cpu, database, rate, p50, p99 = (statistics.median(column) for column in zip(*results, strict=True))
        print(f"{way:20} CPU {cpu:5.2f} + database {database:5.2f} ms, {rate:5.0f}/s, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
