from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import checks, database_checks, deployment_checks  # noqa: F401  registers the system checks

        connection_created.connect(apply_limits)


def apply_limits(connection: Any, **kwargs: Any) -> None:
    """Apply the limits of the thread to a new connection to PostgreSQL."""
    if connection.vendor == "postgresql":
        connection.apply_limits()
