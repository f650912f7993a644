"""Migration operations that change the indexes and constraints of a large table while the site is running."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import NotSupportedError
from django.db.migrations import AddConstraint, AddIndex, RemoveIndex
from django.db.models import CheckConstraint

from core.migration_locks import wait_for_locks


class AddIndexOnline(AddIndexConcurrently):
    """Add an index; on PostgreSQL without blocking writes. The migration needs `atomic = False`.

    An index of the same name is replaced: an interrupted migration leaves an incomplete one.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            with wait_for_locks(schema_editor.connection):
                schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
                super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        operation = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        with wait_for_locks(schema_editor.connection):
            operation.database_backwards(self, app_label, schema_editor, from_state, to_state)


class RemoveIndexOnline(RemoveIndexConcurrently):
    """Remove an index; on PostgreSQL without blocking writes. The migration needs `atomic = False`."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        operation = RemoveIndexConcurrently if schema_editor.connection.vendor == "postgresql" else RemoveIndex
        with wait_for_locks(schema_editor.connection):
            operation.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        operation = RemoveIndexConcurrently if schema_editor.connection.vendor == "postgresql" else RemoveIndex
        with wait_for_locks(schema_editor.connection):
            operation.database_backwards(self, app_label, schema_editor, from_state, to_state)


class AddConstraintOnline(AddConstraint):
    """Add a check constraint; on PostgreSQL, read the existing rows without blocking writes. Needs `atomic = False`.

    A constraint of the same name is replaced: an interrupted migration leaves one that has not been validated.
    """

    atomic = False
    constraint: CheckConstraint

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.in_atomic_block:
            raise NotSupportedError(
                "AddConstraintOnline cannot run inside a transaction. Set atomic = False on the migration."
            )
        model = to_state.apps.get_model(app_label, self.model_name)
        table, name = (schema_editor.quote_name(part) for part in (model._meta.db_table, self.constraint.name))
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        schema_editor.execute(f"{self.constraint.create_sql(model, schema_editor)} NOT VALID", params=None)
        with wait_for_locks(schema_editor.connection):
            schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        return None
