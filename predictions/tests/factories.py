"""Builders of predictions, uploads and stored files for tests."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services import predict
from registry.services.promote import move_alias

PREDICTIONS_URL = "/api/v1/predictions/"


def make_prediction(user, data=None, *, name="a.png", **options):
    data = make_image(255) if data is None else data
    return predict(user=user, source="api", image=ContentFile(data, name=name), **options)


def list_stored_files(settings):
    folder = Path(settings.MEDIA_ROOT)
    return [path for path in folder.rglob("*") if path.is_file()]


def make_image_file(data=None, name="seven.png"):
    return SimpleUploadedFile(name, make_image(255) if data is None else data)


def make_upload(data=None, name="seven.png"):
    return SimpleUploadedFile(name, make_image(255) if data is None else data, "text/html")


@contextmanager
def allow_changes():
    """Let the block change predictions with a final status, which triggers of the database otherwise reject."""
    table = Prediction._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with deferred checks cannot be altered
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            cursor.execute(sql)


def change_predictions(rows=None, **changes):
    """Update predictions of any status, all by default."""
    with allow_changes():
        return (Prediction.objects if rows is None else rows).update(**changes)


@contextmanager
def move_alias_after_resolving(version):
    """Point the production alias at a version once a reference is resolved, before the next query.

    Yields a list that collects all queries that resolve references.
    """
    queries: list[str] = []
    pending = [version]

    def move_alias_before_next_query(execute, sql, params, many, context):
        if queries and pending:
            move_alias(version=pending.pop())
        if sql.startswith("SELECT") and "is_active" in sql and "registry_modelversion" in sql:
            queries.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(move_alias_before_next_query):
        yield queries
