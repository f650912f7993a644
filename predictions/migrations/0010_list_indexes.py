"""Replace the indexes of lists: each list and filter has one that it reads from the newest row on.

Every index is built before the one that it replaces is removed, and without blocking writes on PostgreSQL. If the migration is
interrupted, run it again.
"""

from django.db import migrations, models

import core.fields
from core.operations import AddIndexOnline, RemoveIndexOnline

# Predictions whose creation time deviates from the time in their ID. The expressions are those of predictions.id_ranges.
DEVIATION = """
("created_at" - TO_TIMESTAMP(('x' || TRANSLATE(LEFT("id"::text, 13), '-', ''))::bit(48)::bigint / 1000.0))
"""
CREATE_DEVIATING = f"""
CREATE INDEX CONCURRENTLY prediction_deviating_time ON predictions_prediction (({DEVIATION}))
WHERE ({DEVIATION} NOT BETWEEN INTERVAL '-10 minutes' AND INTERVAL '10 minutes')
"""


def create_deviating(apps, schema_editor):
    drop_deviating(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE_DEVIATING)


def drop_deviating(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX CONCURRENTLY IF EXISTS prediction_deviating_time")


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("predictions", "0009_summaries")]

    operations = [
        migrations.RunPython(create_deviating, drop_deviating),
        AddIndexOnline(
            model_name="input",
            index=models.Index(models.F("user"), models.F("id"), name="input_user_id"),
        ),
        AddIndexOnline(
            model_name="input",
            index=models.Index(models.F("kind"), models.F("id"), name="input_kind_id"),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("user"), models.F("id"), name="prediction_user_id"),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("model_version"), models.F("id"), name="prediction_version_id"),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"),
                models.F("confidence"),
                condition=models.Q(("confidence__isnull", False), ("status", "succeeded")),
                name="prediction_version_confidence",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"),
                models.F("margin"),
                condition=models.Q(("margin__isnull", False), ("status", "succeeded")),
                name="prediction_margin",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"),
                core.fields.RandomBits("id"),
                condition=models.Q(("status", "succeeded")),
                name="prediction_shuffled",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("label"), models.F("id"), name="prediction_label_id"),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("source"), models.F("id"), name="prediction_source_id"),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("status"),
                models.F("id"),
                condition=models.Q(("status", "succeeded"), _negated=True),
                name="rare_status",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("error_code"),
                models.F("id"),
                condition=models.Q(("error_code", ""), _negated=True),
                name="rare_error_code",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                models.F("client_reference"),
                models.F("id"),
                condition=models.Q(("client_reference", ""), _negated=True),
                name="rare_client_reference",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("confidence"), name="prediction_confidence"),
        ),
        AddIndexOnline(
            model_name="review",
            index=models.Index(
                models.F("verdict"),
                models.F("prediction"),
                condition=models.Q(("withdrawn_at", None)),
                name="review_active_verdict",
            ),
        ),
        AddIndexOnline(
            model_name="review",
            index=models.Index(
                models.F("true_label"),
                models.F("prediction"),
                condition=models.Q(("withdrawn_at", None), models.Q(("true_label", ""), _negated=True)),
                name="review_true_label",
            ),
        ),
        AddIndexOnline(
            model_name="review",
            index=models.Index(models.F("picked_by"), models.F("prediction"), name="review_picked_by"),
        ),
        RemoveIndexOnline(
            model_name="input",
            name="input_created_at",
        ),
        RemoveIndexOnline(
            model_name="input",
            name="input_user_newest",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_user_newest",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_version_newest",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_least_confident",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_version_margin",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_version_shuffled",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_label_newest",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_status_newest",
        ),
        RemoveIndexOnline(
            model_name="prediction",
            name="prediction_reference",
        ),
    ]
