"""Builders of predictions, uploads and stored files for tests."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from inference.tests.factories import make_image
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
