"""Create inputs and predictions."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields
import predictions.paths


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("registry", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Input",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("image", "Image"), ("tabular", "Tabular")], max_length=10)),
                ("image", models.ImageField(blank=True, max_length=200, upload_to=predictions.paths.get_input_path)),
                ("features", models.JSONField(blank=True, null=True)),
                (
                    "sha256",
                    models.CharField(
                        help_text="SHA-256 of the file, or of the canonical JSON (RFC 8785) of the features.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-f]{64}\\Z", "Use 64 lowercase hexadecimal digits."
                            )
                        ],
                    ),
                ),
                ("content_type", models.CharField(blank=True, help_text="As detected by the decoder.", max_length=50)),
                ("width", models.PositiveIntegerField(blank=True, help_text="Pixels.", null=True)),
                ("height", models.PositiveIntegerField(blank=True, help_text="Pixels.", null=True)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("original_name", models.CharField(blank=True, help_text="The file name as uploaded.", max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="inputs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Prediction",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("web", "Web page"),
                            ("api", "API"),
                            ("v2", "V2 protocol"),
                            ("batch", "Batch"),
                            ("admin", "Admin"),
                            ("cli", "Command line"),
                        ],
                        max_length=10,
                    ),
                ),
                ("output", models.JSONField(blank=True, null=True)),
                ("label", models.CharField(blank=True, help_text="The label with the highest score.", max_length=100)),
                ("confidence", models.FloatField(blank=True, help_text="The highest score, 0 to 1.", null=True)),
                (
                    "margin",
                    models.FloatField(
                        blank=True, help_text="The highest score minus the second highest, 0 to 1.", null=True
                    ),
                ),
                ("value", models.FloatField(blank=True, help_text="The output of a regression model.", null=True)),
                ("error_code", models.CharField(blank=True, max_length=50)),
                ("error_message", models.TextField(blank=True)),
                ("queue_ms", models.FloatField(blank=True, null=True)),
                ("preprocess_ms", models.FloatField(blank=True, null=True)),
                ("inference_ms", models.FloatField(blank=True, null=True)),
                ("client_reference", models.CharField(blank=True, help_text="The caller's own ID or note.", max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "input",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="predictions", to="predictions.input"
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="predictions",
                        to="registry.modelversion",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="predictions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
