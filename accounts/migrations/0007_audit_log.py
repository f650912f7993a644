"""Add the audit log. Triggers reject changes: it is append-only.

The actor, the address, and the name of the object can only be cleared. PostgreSQL also rejects the deletion of entries of
the last 30 days. SQLite does not distinguish a deletion from the emptying of a whole table.

SQLite rebuilds a table to alter it and drops its triggers. A later migration that alters AuditEntry must end with
`migrations.RunPython(create_triggers, drop_triggers)` as well; accounts/tests/test_audit_log.py checks this.
"""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import accounts.models
import core.fields

MESSAGE = "The audit log is append-only."
TRIGGER = "auditentry_append_only"
FIXED_COLUMNS = ("id", "created_at", "action", "object_type", "object_id", "details")
PROTECTED_DAYS = 30


def get_table(apps):
    return apps.get_model("accounts", "AuditEntry")._meta.db_table


def create_triggers(apps, schema_editor):
    drop_triggers(apps, schema_editor)
    table, is_postgresql = get_table(apps), schema_editor.connection.vendor == "postgresql"
    columns = ", ".join(f'"{column}"' for column in FIXED_COLUMNS)
    differs = "IS DISTINCT FROM" if is_postgresql else "IS NOT"
    is_replaced = " OR ".join(
        f"NEW.{column} {differs} OLD.{column} AND NEW.{column} {differs} {empty}"
        for column, empty in (("actor_id", "NULL"), ("address", "NULL"), ("object_name", "''"))
    )
    action = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    if is_postgresql:
        action = f"EXECUTE FUNCTION {TRIGGER}()"
        schema_editor.execute(
            f"CREATE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER}_delete BEFORE DELETE ON {table} FOR EACH ROW "
            f"WHEN (OLD.created_at > now() - interval '{PROTECTED_DAYS} days') {action}"
        )
    else:
        # INSERT OR REPLACE replaces a row without an UPDATE.
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER}_insert BEFORE INSERT ON {table} "  # noqa: S608  constants only
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {action}"
        )
    schema_editor.execute(f"CREATE TRIGGER {TRIGGER}_fixed BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW {action}")
    schema_editor.execute(
        f"CREATE TRIGGER {TRIGGER}_clear BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({is_replaced}) {action}"
    )


def drop_triggers(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for suffix in ("fixed", "clear", "insert", "delete"):
        table = f" ON {get_table(apps)}" if is_postgresql else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER}_{suffix}{table}")
    if is_postgresql:
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {TRIGGER}()")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_erasures"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="time")),
                (
                    "action",
                    models.CharField(choices=accounts.models.get_action_choices, max_length=40, verbose_name="action"),
                ),
                ("address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("object_type", models.CharField(blank=True, max_length=40, verbose_name="object type")),
                ("object_id", models.CharField(blank=True, max_length=64, verbose_name="object ID")),
                ("object_name", models.CharField(blank=True, max_length=200, verbose_name="object")),
                ("details", models.JSONField(default=dict, verbose_name="details")),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="actor",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["action", "-id"], name="audit_action"),
                    models.Index(fields=["actor", "-id"], name="audit_actor"),
                    models.Index(fields=["address", "-id"], name="audit_address"),
                    models.Index(fields=["object_id", "-id"], name="audit_object"),
                ],
            },
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
