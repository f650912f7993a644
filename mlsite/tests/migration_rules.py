"""Rules of migrations that run while the old and the new code serve requests.

The old code inserts rows without new columns, and reads columns and tables by their old names. On PostgreSQL, a statement
that scans or rewrites a large table must not hold a lock that blocks writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.operations import AddConstraintOnline, AddIndexOnline, RemoveIndexOnline

RENAMES = (migrations.RenameField, migrations.RenameModel, migrations.AlterModelTable, migrations.RenameIndex)
INDEXES = (migrations.AddIndex, migrations.AlterUniqueTogether, migrations.AlterIndexTogether)
REMOVALS = (migrations.RemoveField, migrations.DeleteModel)
REPEATABLE = (AddConstraintOnline, AddIndexOnline, RemoveIndexOnline, migrations.RunPython)
INDEX_ADVICE = "Use AddIndexOnline of core/operations.py in a migration with `atomic = False`."
CONSTRAINT_ADVICE = "Use AddConstraintOnline of core/operations.py in a migration with `atomic = False`."


def find_breaches(labels: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the migration, such as `predictions.0003_reviews`, and the problem, for each breach of a rule.

    Args:
        labels: of the apps.
    """
    loader = MigrationLoader(None)
    state = ProjectState()
    plan = [key for node in sorted(loader.graph.leaf_nodes()) for key in loader.graph.forwards_plan(node)]
    for key in dict.fromkeys(plan):
        migration = loader.graph.nodes[key]
        if migration.app_label in labels:
            name = f"{migration.app_label}.{migration.name}"
            problems = [*lint_operations(migration.operations, state, migration.app_label), *lint_repetition(migration)]
            yield from ((name, problem) for problem in problems)
        state = migration.mutate_state(state, preserve=False)


def lint_operations(operations: list[Operation], before: ProjectState, app: str) -> Iterator[str]:
    """Yield the problems of the operations of one migration.

    Args:
        before: the models before the migration.
    """
    state = before.clone()
    created: set[str] = set()  # nothing uses these tables yet
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from lint_operations(operation.database_operations, state, app)
        if isinstance(operation, migrations.CreateModel):
            created.add(operation.name_lower)
        model = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
        if not operation.reversible:
            yield f"{operation.describe()}: not reversible"
        elif model not in created:
            yield from (f"{operation.describe()}: {problem}" for problem in _lint_operation(operation, state, (app, model)))
        operation.state_forwards(app, state)


def lint_repetition(migration: migrations.Migration) -> Iterator[str]:
    """Yield the problems of a migration without a transaction that is interrupted between two operations, and run again."""
    if not migration.atomic and len(migration.operations) > 1:
        for operation in migration.operations:
            if not isinstance(operation, REPEATABLE):
                yield f"{operation.describe()}: cannot run twice. Put it into a migration of its own."


def _lint_operation(operation: Operation, state: ProjectState, model: tuple[str, str]) -> Iterator[str]:
    if isinstance(operation, RENAMES):
        yield "the running code uses the old name"
    elif isinstance(operation, REMOVALS):
        yield "the running code uses it. Remove it from the code first, in an earlier release."
    elif isinstance(operation, migrations.AddField):
        yield from _lint_new_field(operation.field)
    elif isinstance(operation, migrations.AlterField):
        yield from _lint_changed_field(state.models[model].fields[operation.name], operation.field)
    elif isinstance(operation, INDEXES) and not isinstance(operation, AddIndexConcurrently):
        yield f"blocks writes while the index is built. {INDEX_ADVICE}"
    elif isinstance(operation, migrations.AddConstraint):
        yield from _lint_new_constraint(operation)


def _lint_new_constraint(operation: migrations.AddConstraint) -> Iterator[str]:
    if not isinstance(operation, AddConstraintOnline):
        yield f"blocks writes while all rows are read. {CONSTRAINT_ADVICE}"
    elif not isinstance(operation.constraint, models.CheckConstraint):
        yield "AddConstraintOnline adds only check constraints"


def _lint_new_field(field: models.Field) -> Iterator[str]:
    if field.many_to_many:
        return  # a new table
    if not field.null and field.db_default is models.NOT_PROVIDED and not field.generated:
        yield "the running code inserts rows without it. Set `null=True` or `db_default`."
    if field.unique or field.db_index:
        yield f"blocks writes while the index is built. {INDEX_ADVICE}"


def _lint_changed_field(old: models.Field, new: models.Field) -> Iterator[str]:
    if old.null and not new.null:
        yield "the running code can insert NULL, and all rows are read while writes wait"
    if _get_type(old) != _get_type(new) and not _is_longer(old, new):
        yield "rewrites the table while requests wait"
    if (new.unique or new.db_index) and not (old.unique or old.db_index):
        yield f"blocks writes while the index is built. {INDEX_ADVICE}"


def _get_type(field: models.Field) -> str | None:
    return None if field.is_relation else field.db_type(connection)


def _is_longer(old: models.Field, new: models.Field) -> bool:
    """Return whether a text column gets a higher limit, or none. PostgreSQL does not rewrite the table for that."""
    if not isinstance(old, models.CharField | models.TextField) or not isinstance(new, models.CharField | models.TextField):
        return False
    return new.max_length is None or (old.max_length is not None and old.max_length <= new.max_length)


def list_own_apps() -> set[str]:
    """Return the labels of the apps of the project that have migrations."""
    return {config.label for config in apps.get_app_configs() if "site-packages" not in config.path}
