from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        # Some of them only register system checks.
        from core import checks, database_checks, deployment_checks, private_files, storage_checks  # noqa: F401
        from core.migration_locks import limit_lock_waits, restore_lock_waits
        from core.model_names import translate_names

        translate_names()
        connection_created.connect(apply_limits)
        pre_migrate.connect(limit_lock_waits)
        post_migrate.connect(restore_lock_waits)
        post_migrate.connect(private_files.protect_files)


def apply_limits(connection: Any, **kwargs: Any) -> None:
    """Apply the limits of the thread to a new connection to PostgreSQL."""
    if connection.vendor == "postgresql":
        connection.apply_limits()
