"""Make model versions immutable: the database rejects every update of a column other than `created_by_id`.

SQLite rebuilds a table to alter it and drops its triggers. A later migration that alters ModelVersion must end with
`migrations.RunPython(create_triggers, drop_triggers)` as well, with the new columns (see 0004);
registry/tests/test_immutable_versions.py checks this.
"""

from django.db import migrations

MESSAGE = "Model versions are immutable. Register a new version instead."
IMMUTABLE_COLUMNS = (
    "id", "model_id", "number", "runtime", "artifact", "sha256", "size", "signature", "labels", "trusted", "examples",
    "framework", "framework_version", "notes", "created_at",
)  # fmt: skip
TRIGGER = "modelversion_immutable"


def get_table(apps):
    return apps.get_model("registry", "ModelVersion")._meta.db_table


def create_triggers(apps, schema_editor, *, columns=IMMUTABLE_COLUMNS):
    drop_triggers(apps, schema_editor)
    table = get_table(apps)
    columns = ", ".join(f'"{column}"' for column in columns)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW EXECUTE FUNCTION {TRIGGER}()"
        )
    else:
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF {columns} ON {table} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
        # INSERT OR REPLACE replaces a row without an UPDATE.
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER}_on_insert BEFORE INSERT ON {table} "  # noqa: S608  constants only
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def drop_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {get_table(apps)}")
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {TRIGGER}()")
    else:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER}")
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER}_on_insert")


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(create_triggers, drop_triggers)]
