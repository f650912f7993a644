"""Versions cannot be changed: the database itself refuses, whoever asks.

SQLite copies a table to alter it, and its triggers are lost: a later migration that alters ModelVersion ends with
`migrations.RunPython(freeze, thaw)` too. A test sees to it.
"""

from django.db import migrations

MESSAGE = "A model version is frozen. Register a new one."
FROZEN = (
    "id", "model_id", "number", "runtime", "artifact", "sha256", "size", "signature", "labels", "trusted", "examples",
    "framework", "framework_version", "notes", "created_at",
)  # fmt: skip
TABLE = "predictions_modelversion"
NAME = "modelversion_frozen"


def freeze(apps, schema_editor):
    thaw(apps, schema_editor)
    columns = ", ".join(f'"{column}"' for column in FROZEN)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE OF {columns} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {NAME}()"
        )
    else:
        schema_editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE OF {columns} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
        # INSERT OR REPLACE deletes the row that it replaces without an update.
        schema_editor.execute(
            f"CREATE TRIGGER {NAME}_kept BEFORE INSERT ON {TABLE} "  # noqa: S608  the names are those above
            f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def thaw(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}")
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {NAME}()")
    else:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {NAME}")
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {NAME}_kept")


class Migration(migrations.Migration):
    dependencies = [("predictions", "0003_any_model")]
    operations = [migrations.RunPython(freeze, thaw)]
