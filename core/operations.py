"""Migration operations that change the indexes of a large table while the site is running."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations import AddIndex, RemoveIndex

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
