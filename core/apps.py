from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import checks, private_files  # noqa: F401  registers the system checks

        connection_created.connect(disable_jit)
        post_migrate.connect(private_files.protect_files, sender=self)


def disable_jit(connection: Any, **kwargs: Any) -> None:
    """Turn off just-in-time compilation in PostgreSQL. Compiling takes longer than running any statement of mlsite.

    A connection option would do the same, but PgBouncer rejects it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
