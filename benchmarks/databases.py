"""Create databases in the temporary PostgreSQL server, and count their rows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2


def create_database(cluster_url: str, name: str, tables: Path | None = None) -> str:
    """Create a database, and tables from an SQL file. Return its URL, with the scheme that SQLAlchemy expects."""
    url = urlunsplit(urlsplit(cluster_url)._replace(scheme="postgresql", path=f"/{name}"))
    execute(cluster_url, f'CREATE DATABASE "{name}"')
    if tables:
        execute(url, tables.read_text())
    return url


def execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def count_rows(url: str, table: str) -> int:
    """Count the rows of a table. The table can be followed by a condition."""
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        (count,) = cursor.fetchone()
    connection.close()
    return count
