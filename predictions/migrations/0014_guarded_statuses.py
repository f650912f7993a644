"""Guard the status of predictions: a prediction with a final status never changes, and a queued one must run to succeed.

Deleting a user still sets `user_id` to NULL. SQLite rebuilds a table to alter it and drops its triggers. A later migration
that alters Prediction must end with `migrations.RunPython(create_triggers, drop_triggers)` as well, with the new columns;
predictions/tests/test_guarded_statuses.py checks this.
"""

import django.utils.timezone
from django.db import migrations, models

FINAL_MESSAGE = "A prediction with a final status never changes."
STATUS_MESSAGE = "A queued prediction cannot succeed before it runs."
FINAL_COLUMNS = (
    "id", "input_id", "model_version_id", "status", "source", "output", "label", "confidence", "margin", "value", "warnings",
    "error_code", "error_message", "queue_ms", "preprocess_ms", "inference_ms", "client_reference", "created_at",
    "started_at", "completed_at",
)  # fmt: skip
FINAL_CONDITION = "OLD.status IN ('succeeded', 'failed', 'canceled')"
STATUS_CONDITION = "OLD.status = 'queued' AND NEW.status = 'succeeded'"
FINAL_TRIGGER, STATUS_TRIGGER = "prediction_final", "prediction_status"
TRIGGERS = {
    FINAL_TRIGGER: (FINAL_COLUMNS, FINAL_CONDITION, FINAL_MESSAGE),
    STATUS_TRIGGER: (("status",), STATUS_CONDITION, STATUS_MESSAGE),
}


def get_table(apps):
    return apps.get_model("predictions", "Prediction")._meta.db_table


def create_triggers(apps, schema_editor, *, triggers=TRIGGERS):
    drop_triggers(apps, schema_editor)
    table = get_table(apps)
    for name, (columns, condition, message) in triggers.items():
        listed = ", ".join(f'"{column}"' for column in columns)
        event = f"CREATE TRIGGER {name} BEFORE UPDATE OF {listed} ON {table} FOR EACH ROW"
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
            )
            schema_editor.execute(f"{event} WHEN ({condition}) EXECUTE FUNCTION {name}()")
        else:
            schema_editor.execute(f"{event} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END")


def drop_triggers(apps, schema_editor):
    for name in TRIGGERS:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {get_table(apps)}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("predictions", "0013_background_work")]

    operations = [
        migrations.AddField(
            model_name="queuedprediction",
            name="enqueue_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="If it has not started by then, the sweep enqueues it again: its task may be lost.",
            ),
        ),
        migrations.AddIndex(
            model_name="queuedprediction",
            index=models.Index(
                models.F("enqueue_at"), condition=models.Q(("leased_until__isnull", True)), name="queued_enqueue_at"
            ),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
