"""Retention policies, their runs, and summaries that stay when their prediction is removed."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0022_erasure"),
        ("registry", "0006_model_cards"),
    ]

    operations = [
        migrations.AlterField(
            model_name="reviewsummary",
            name="prediction",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                primary_key=True,
                related_name="+",
                serialize=False,
                to="predictions.prediction",
            ),
        ),
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                (
                    "model",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="retention_policy",
                        serialize=False,
                        to="registry.registeredmodel",
                        verbose_name="model",
                    ),
                ),
                (
                    "image_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Older images are removed; their predictions stay. If empty, images stay as long as their rows.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                        verbose_name="days for images",
                    ),
                ),
                (
                    "row_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Older predictions are removed with their inputs. Metrics and counts stay. If empty, they stay.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(36500),
                        ],
                        verbose_name="days for predictions",
                    ),
                ),
                (
                    "keep_reviewed",
                    models.BooleanField(
                        default=True,
                        help_text="Keep reviewed predictions with their inputs.",
                        verbose_name="keep reviewed predictions",
                    ),
                ),
                (
                    "positions",
                    models.JSONField(
                        default=dict, editable=False, help_text="The last prediction whose image was checked, by version."
                    ),
                ),
            ],
            options={
                "verbose_name": "retention policy",
                "verbose_name_plural": "retention policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("image_days", None), ("image_days__gte", 1), _connector="OR"),
                            models.Q(("row_days", None), ("row_days__gte", 1), _connector="OR"),
                        ),
                        name="retentionpolicy_days",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "trigger",
                    models.CharField(
                        choices=[("schedule", "Schedule"), ("command", "Command")], max_length=10, verbose_name="trigger"
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="started at"),
                ),
                ("completed_at", models.DateTimeField(blank=True, null=True, verbose_name="completed at")),
                ("image_days", models.PositiveIntegerField(blank=True, null=True, verbose_name="days for images")),
                ("row_days", models.PositiveIntegerField(blank=True, null=True, verbose_name="days for predictions")),
                ("keep_reviewed", models.BooleanField(verbose_name="keep reviewed predictions")),
                ("removed_images", models.PositiveBigIntegerField(default=0, verbose_name="removed images")),
                ("removed_predictions", models.PositiveBigIntegerField(default=0, verbose_name="removed predictions")),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="retention_runs",
                        to="registry.registeredmodel",
                        verbose_name="model",
                    ),
                ),
            ],
            options={
                "verbose_name": "retention run",
                "verbose_name_plural": "retention runs",
            },
        ),
    ]
