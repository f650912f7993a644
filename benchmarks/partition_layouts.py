"""The two databases of `benchmarks.partitions`, and what is measured in them with the code of the site."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import User
from benchmarks.growth_sites import connect
from benchmarks.partition_data import PARTITIONED_TABLES, get_partition_name
from core.fields import get_first_id
from predictions.models import Input, Prediction, RetentionRun, Review
from predictions.services.inserts import insert_predictions
from predictions.services.retention import apply_policy, set_retention
from registry.models import ModelVersion, RegisteredModel

DAY = timedelta(days=1)
LIST_ROWS = 50
ROW_DAYS = 1  # of the retention policy


class Timing(NamedTuple):
    """CPU time of this process and its PostgreSQL process, and wall time, in milliseconds."""

    cpu: float
    wall: float

    def divide(self, count: int) -> Timing:
        return Timing(self.cpu / count, self.wall / count)


class Layout:
    """A database. `activate` makes it the one that all queries use."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connection = connect(name)
        self.connection.ensure_connection()
        self.schedstat = Path(f"/proc/{self.connection.connection.info.backend_pid}/schedstat")
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")  # the CPU time of other processes is not measured
        self.versions = list(ModelVersion.objects.order_by("model__name"))
        self.users = list(User.objects.all())

    def activate(self) -> None:
        connections["default"] = self.connection

    def time(self, action: Callable[[], object]) -> Timing:
        self.activate()
        start, cpu = time.perf_counter(), self._read_cpu()
        action()
        return Timing(1000 * (self._read_cpu() - cpu), 1000 * (time.perf_counter() - start))

    def _read_cpu(self) -> float:
        return time.process_time() + int(self.schedstat.read_text().split()[0]) / 1e9

    def time_inserts(self, *, groups: int, size: int) -> Timing:
        """Insert groups of predictions as the site does after each request. Return the times per prediction."""
        self.activate()
        rows = [[self._build_prediction(number) for number in range(size)] for _ in range(groups)]
        failures: list[Any] = []

        def insert() -> None:
            for group in rows:
                failures.extend(insert_predictions(group))

        timing = self.time(insert)
        if any(failures):
            raise RuntimeError(f"A prediction was not inserted: {next(filter(None, failures))}")
        return timing.divide(groups * size)

    def _build_prediction(self, number: int) -> Prediction:
        """Return a prediction that looks like the others, with a new input."""
        version, user, now = self.versions[number % 2], self.users[number % len(self.users)], timezone.now()
        scores = {label: 0.9 / (index + 1) for index, label in enumerate(version.labels)}
        features = {each["name"]: number + 0.25 for each in version.signature["input"]["features"]}
        digest = sha256(f"{now} {number} {self.name}".encode()).hexdigest()
        row = Input(user=user, kind=Input.Kind.TABULAR, features=features, sha256=digest, size=180)
        return Prediction(
            input=row, model_version=version, user=user, status=Prediction.Status.SUCCEEDED, source=Prediction.Source.API,
            output={"label": "0", "scores": scores}, label="0", confidence=0.9, margin=0.45, queue_ms=0.4, preprocess_ms=0.3,
            inference_ms=3.1, started_at=now, completed_at=now,
        )  # fmt: skip

    def measure_wal_bytes(self, action: Callable[[], object]) -> int:
        """Return the number of bytes that PostgreSQL writes to its log during an action."""
        self.activate()
        start = self.fetch_value("SELECT pg_current_wal_insert_lsn()")
        action()
        return int(self.fetch_value("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [start]))

    def measure_bytes(self) -> tuple[int, int]:
        """Return the sizes of the tables of inputs and predictions, and of their indexes."""
        self.activate()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(pg_table_size(id)), sum(pg_indexes_size(id)) FROM ("
                "SELECT unnest(%(tables)s::regclass[]) AS id UNION"
                " SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY(%(tables)s::regclass[])) tables",
                {"tables": list(PARTITIONED_TABLES)},
            )
            rows, indexes = cursor.fetchone()
        return int(rows), int(indexes)

    def fetch_value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone()[0]


def list_queries(months: Sequence[datetime]) -> dict[str, Callable[[], object]]:
    """Return the measured queries by name. Each one is built and executed as the site does it."""
    middle = len(months) // 2
    day = months[middle] + 10 * DAY
    last = Prediction.objects.created_in(start=day).order_by("id").values_list("pk", "input__sha256").first()
    digits = ModelVersion.objects.filter(model__name="digits")
    rows = Prediction.objects.with_related().order_by("-id")
    return {
        "List, newest 50": lambda: list(rows[:LIST_ROWS]),
        "List of a model and a label": lambda: list(rows.of_versions(digits).matching(label="3")[:LIST_ROWS]),
        "List of a label that does not exist": lambda: list(rows.matching(label="none")[:LIST_ROWS]),
        "List of one day of an older month": lambda: list(rows.created_in(start=day, end=day + DAY)[:LIST_ROWS]),
        "One prediction by its ID": lambda: Prediction.objects.with_related().get(pk=last[0]),
        "Inputs with the same content": lambda: list(Input.objects.filter(sha256=last[1]).values_list("pk")),
        "Predictions of an hour, by time": lambda: Prediction.objects.filter(
            created_at__gte=day, created_at__lt=day + DAY / 24
        ).count(),
        "Count of a month": lambda: (
            Prediction.objects.in_any_order().created_in(start=months[middle], end=months[middle + 1]).count()
        ),
    }


def apply_retention(before: datetime) -> int:
    """Remove the predictions before a time with the retention policies of their models. Return their number."""
    removed = 0
    for model in RegisteredModel.objects.order_by("name"):
        policy = set_retention(model=model, image_days=None, row_days=ROW_DAYS, keep_reviewed=False)
        now = before + ROW_DAYS * DAY
        removed += apply_policy(policy=policy, trigger=RetentionRun.Trigger.COMMAND, now=now).predictions
    return removed


def delete_month(end: datetime) -> None:
    """Delete what was created before a time, with one statement per table and without counting, and vacuum the tables."""
    limit = get_first_id(end)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Review._meta.db_table} WHERE prediction_id < %s", [limit])
        for table in reversed(PARTITIONED_TABLES):
            cursor.execute(f"DELETE FROM {table} WHERE id < %s", [limit])
    vacuum()


def vacuum() -> None:
    with connection.cursor() as cursor:
        for table in PARTITIONED_TABLES:
            cursor.execute(f"VACUUM {table}")


def drop_month(start: datetime, end: datetime) -> None:
    """Drop the partitions of a month, and delete the reviews of its predictions.

    PostgreSQL does not detach a partition whose rows are referenced: it looks for them.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Review._meta.db_table} WHERE prediction_id < %s", [get_first_id(end)])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with deferred checks cannot be altered
        for table in reversed(PARTITIONED_TABLES):
            partition = get_partition_name(table, start)
            cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {partition}")
            cursor.execute(f"DROP TABLE {partition}")
