import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("registry", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RolledPeriod",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("start", models.DateTimeField()),
                ("hours", models.PositiveSmallIntegerField(help_text="1 for an hour, 24 for a day from midnight UTC.")),
                ("rolled_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("start", "hours"), name="rolledperiod_once"),
                    models.CheckConstraint(condition=models.Q(("hours__in", [1, 24])), name="rolledperiod_hour_or_day"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "counts",
                    models.JSONField(
                        help_text="Predictions by status, error code, label, and user ID (empty without a user)."
                    ),
                ),
                ("confidences", models.PositiveBigIntegerField(help_text="Number of predictions with a confidence.")),
                ("confidence_sum", models.FloatField()),
                ("input_bytes", models.PositiveBigIntegerField(help_text="Total size of the inputs.")),
                ("latencies", models.BinaryField(help_text="All latencies, sorted and packed by `monitoring.tally`.")),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="registry.modelversion"
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rollups",
                        to="monitoring.rolledperiod",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("period", "model_version"), name="rollup_version_once")],
            },
        ),
    ]
