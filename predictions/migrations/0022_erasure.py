"""Erase the data of users: inputs and predictions whose data was removed, frozen summaries, and files to delete.

The database now allows one change of a prediction with a final status: to remove its user, its output, and all texts.
"""

from functools import partial
from importlib import import_module

import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

import core.fields

guarded_statuses = import_module("predictions.migrations.0014_guarded_statuses")
decode_time = import_module("predictions.migrations.0018_decode_time")
KEPT_COLUMNS = (
    "id", "input_id", "model_version_id", "status", "source", "error_code", "created_at", "started_at", "completed_at",
    "decode_ms", "queue_ms", "preprocess_ms", "inference_ms",
)  # fmt: skip
EMPTY_VALUES = {
    "user_id": "IS NULL", "label": "= ''", "confidence": "IS NULL", "margin": "IS NULL", "value": "IS NULL",
    "warnings": "= '[]'", "error_message": "= ''", "client_reference": "= ''",
}  # fmt: skip
ERASURE_CONDITION = " AND ".join(
    [
        *(f'NEW."{column}" IS NOT DISTINCT FROM OLD."{column}"' for column in KEPT_COLUMNS),
        *(f'NEW."{column}" {value}' for column, value in EMPTY_VALUES.items()),
        '(NEW."output" IS NULL) = (OLD."output" IS NULL)',
        """COALESCE(NEW."output" = '{}', TRUE)""",
    ]
)
FINAL_CONDITION = f"{guarded_statuses.FINAL_CONDITION} AND NOT ({ERASURE_CONDITION})"
TRIGGERS = guarded_statuses.TRIGGERS | {
    guarded_statuses.FINAL_TRIGGER: (decode_time.FINAL_COLUMNS, FINAL_CONDITION, guarded_statuses.FINAL_MESSAGE)
}


class Migration(migrations.Migration):
    dependencies = [("predictions", "0021_annotations")]

    operations = [
        migrations.AddField(
            "input",
            "data_removed_at",
            models.DateTimeField(
                null=True,
                blank=True,
                editable=False,
                help_text="When the file, or all data of an erased input, was removed.",
            ),
        ),
        migrations.AddField(
            "reviewsummary",
            "is_frozen",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="The output of the prediction was removed, so the summary cannot be computed again.",
            ),
        ),
        migrations.CreateModel(
            "RemovedFile",
            [
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.RunPython(
            partial(guarded_statuses.create_triggers, triggers=TRIGGERS),
            partial(guarded_statuses.create_triggers, triggers=decode_time.TRIGGERS),
        ),
    ]
