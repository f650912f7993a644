from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class PredictionsConfig(AppConfig):
    name = "predictions"

    def ready(self) -> None:
        from predictions import checks  # noqa: F401  registers the system checks

        connection_created.connect(_without_compiling)


def _without_compiling(connection: Any, **event: Any) -> None:
    """Keep PostgreSQL from compiling statements: that takes it longer than running any of ours.

    Said here and not in the connection's options, which PgBouncer refuses.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
