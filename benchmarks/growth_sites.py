"""The two sites of `benchmarks.growth`: the same site with a few and with many predictions."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment
from django.utils import timezone

from accounts.models import User
from accounts.services import add_reviewer, create_token
from benchmarks.growth_data import multiply_predictions
from benchmarks.growth_requests import TimedRequest
from monitoring.services.rollup import roll_up
from predictions.models import Input, Prediction, PredictionCount, Review, ReviewSummary
from predictions.services.summaries import update_summaries
from registry.models import ModelVersion, RegisteredModel

USERNAMES = ("heavy", "light", "reviewer", "second")
ADMIN_PAGE_ROWS, MAX_ADMIN_ROWS = 50, 10_000


class Timing(NamedTuple):
    """CPU and wall time of one request in milliseconds."""

    cpu: float
    wall: float


def build_database(name: str, *, base: str, count: int) -> None:
    """Create a database with `count` predictions from a database with a few of them. Skip it if it exists."""
    connect("postgres")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone():
            return
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {base}")
    connection.close()
    connect(name)
    start = time.perf_counter()
    multiply_predictions(
        count=count,
        user_ids={username: _create_user(username).pk for username in USERNAMES},
        report=lambda text: print(f"  {time.perf_counter() - start:4.0f} s  {text}", flush=True),
    )
    roll_up()
    update_summaries()


def add_versions() -> None:
    """Add version 2 of each model, and the model `spare` without predictions. No request runs them."""
    for version in ModelVersion.objects.filter(number=1).select_related("model"):
        version.pk, version.number = None, 2
        _insert_copy(version)
    version = ModelVersion.objects.get(model__name="digits", number=1)
    version.model = RegisteredModel.objects.create(name="spare", title="Spare", task=version.model.task)
    _insert_copy(version)


class GrowthSite:
    """One of the databases. All requests of this process go to the site that was activated last."""

    def __init__(self, name: str) -> None:
        self.connection = connect(name)
        self.connection.ensure_connection()
        self.schedstat = Path(f"/proc/{self.connection.connection.info.backend_pid}/schedstat")
        with connection.cursor() as cursor:
            cursor.execute("SET max_parallel_workers_per_gather = 0")  # the CPU time of other processes is not measured
        users = {user.username: user for user in User.objects.filter(username__in=USERNAMES)}
        self.tokens = {name: create_token(user=user, name="growth")[1] for name, user in users.items()}
        self.clients = {name: Client() for name in users}
        for username, client in self.clients.items():
            client.force_login(users[username])
        self.facts = read_facts(users)

    def count_rows(self, request: TimedRequest) -> int:
        """Send a request. Return the number of rows in the response, or -1 if it is unknown.

        Responses have the contexts of their templates only in a test environment, which renders pages more slowly.
        """
        setup_test_environment()
        try:
            return _count_rows(self._send(request))
        finally:
            teardown_test_environment()

    def time(self, request: TimedRequest) -> Timing:
        """Send a request, and read the response or the first chunk of a stream."""
        start, cpu = time.perf_counter(), self._read_cpu()
        response = self._send(request)
        if response.streaming:
            next(iter(response.streaming_content), None)
        return Timing(1000 * (self._read_cpu() - cpu), 1000 * (time.perf_counter() - start))

    def _send(self, request: TimedRequest) -> Any:
        """Send a request.

        Raises:
            RuntimeError: the response is not a 200.
        """
        connections["default"] = self.connection
        headers = {"authorization": f"Bearer {self.tokens[request.user]}"} if request.url.startswith("/api/") else {}
        response: Any = self.clients[request.user].get(request.url, headers=headers)
        if response.status_code != 200:
            raise RuntimeError(f"{request.url}: {response.status_code} {response.content[:500]!r}")
        return response

    def _read_cpu(self) -> float:
        """Return the CPU seconds of this process and of its PostgreSQL process."""
        return time.process_time() + int(self.schedstat.read_text().split()[0]) / 1e9

    def measure_sizes(self) -> Sequence[tuple[str, str, float]]:
        """Return the table, the name, and the size in MB of each table of predictions and reviews and of its indexes."""
        models = (Prediction, Input, Review, ReviewSummary, PredictionCount)
        tables = [model._meta.db_table for model in models]
        connections["default"] = self.connection
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, relname, pg_table_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s) UNION ALL"
                " SELECT tablename, indexname, pg_relation_size(indexname::regclass) / 1e6 FROM pg_indexes"
                " WHERE tablename = ANY(%s) ORDER BY 1, 3 DESC",
                [tables, tables],
            )
            return cursor.fetchall()


def read_facts(users: dict[str, User]) -> dict[str, Any]:
    """Return what the requests to a database need: ids, times, and values that match few rows."""
    rows = Prediction.objects.order_by("-id")
    own = {name: Prediction.objects.visible_to(user).order_by("id") for name, user in users.items()}
    first: Prediction = rows.first()
    count = min(rows.count(), MAX_ADMIN_ROWS)
    middle = _find_before(first.created_at - timedelta(days=45))
    low = Prediction.objects.filter(confidence__isnull=False).order_by("confidence").values_list("confidence", flat=True)
    return {
        "now": timezone.now(),
        "newest": {name: str(query.last().pk) for name, query in own.items() if name != "second"},
        "oldest": {name: str(query.first().pk) for name, query in own.items() if name != "second"},
        "middle": str(middle.pk),
        "cursor": _encode_cursor(middle),
        "input": str(first.input_id),
        "sha256": first.input.sha256,
        "reference": rows.filter(client_reference__startswith="order-").first().client_reference,
        "low_confidence": low[20],
        "versions": {str(version): str(version.pk) for version in ModelVersion.objects.select_related("model")},
        "models": {model.name: str(model.pk) for model in RegisteredModel.objects.all()},
        "last_page": -(-count // ADMIN_PAGE_ROWS),
        "last_review_page": -(-min(Review.objects.count(), MAX_ADMIN_ROWS) // ADMIN_PAGE_ROWS),
    }


def _find_before(moment: datetime) -> Prediction:
    return Prediction.objects.filter(created_at__lt=moment).order_by("-created_at").first()


def _encode_cursor(row: Prediction) -> str:
    from base64 import b64encode

    return b64encode(f"p={row.pk}".encode()).decode()


def _count_rows(response: Any) -> int:
    """Read the response, or the first chunk of a stream. Return the number of rows, or -1."""
    if response.streaming:
        return next(iter(response.streaming_content), b"").count(b"\n")
    if response["Content-Type"] == "application/json":
        return len(response.json().get("results", [0]))
    context = response.context or {}
    if "cl" in context:
        return len(context["cl"].result_list)
    return len(context["page"].rows) if "page" in context else -1


def _create_user(username: str) -> User:
    user, _ = User.objects.get_or_create(username=username)
    if username in ("reviewer", "second"):
        add_reviewer(user=user)
    return user


def _insert_copy(version: ModelVersion) -> None:
    from uuid_utils.compat import uuid7

    version.pk = uuid7()
    version.save(force_insert=True)


def connect(name: str) -> Any:
    """Connect Django to a database of the same server."""
    settings = copy.deepcopy(connections.settings["default"])
    settings["NAME"] = name
    created = connections.create_connection("default")
    created.settings_dict = settings
    connections["default"] = created
    return created
