import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields
import core.validators


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RegisteredModel",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z][a-z0-9]*(-[a-z0-9]+)*\\Z",
                                "Use lowercase letters, digits, and single hyphens, and start with a letter. For example: digits, iris-2.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                (
                    "task",
                    models.CharField(
                        choices=[
                            ("image-classification", "image classification"),
                            ("tabular-classification", "tabular classification"),
                            ("tabular-regression", "tabular regression"),
                            ("image-regression", "image regression"),
                            ("other", "other (raw output)"),
                        ],
                        max_length=40,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="ModelVersion",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("runtime", models.CharField(max_length=200)),
                (
                    "artifact",
                    models.CharField(
                        help_text="Path below MODEL_ROOT.",
                        max_length=500,
                        validators=[core.validators.validate_artifact_path],
                    ),
                ),
                (
                    "sha256",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-f]{64}\\Z", "Use 64 lowercase hexadecimal digits."
                            )
                        ],
                    ),
                ),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("signature", models.JSONField()),
                ("labels", models.JSONField(blank=True, default=list, validators=[core.validators.validate_labels])),
                ("framework", models.CharField(blank=True, max_length=50)),
                ("framework_version", models.CharField(blank=True, max_length=50)),
                (
                    "trusted",
                    models.BooleanField(
                        default=False,
                        help_text="Whether it was registered with --trusted, which allows it to run its author's code.",
                    ),
                ),
                (
                    "examples",
                    models.JSONField(
                        blank=True, default=list, help_text="Inputs with their expected outputs, from model.toml."
                    ),
                ),
                ("notes", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="registry.registeredmodel"
                    ),
                ),
            ],
            options={
                "ordering": ("model__name", "-number"),
            },
        ),
        migrations.CreateModel(
            name="AliasChange",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("alias", models.CharField(max_length=50)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "from_version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="registry.modelversion",
                    ),
                ),
                (
                    "to_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.modelversion"
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alias_changes",
                        to="registry.registeredmodel",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=50,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z][a-z0-9]*(-[a-z0-9]+)*\\Z",
                                "Use lowercase letters, digits, and single hyphens, and start with a letter. For example: digits, iris-2.",
                            )
                        ],
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="aliases", to="registry.modelversion"
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="registry.registeredmodel"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "aliases",
                "ordering": ("model__name", "name"),
            },
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.UniqueConstraint(fields=("model", "number"), name="modelversion_number_once"),
        ),
        migrations.AddConstraint(
            model_name="modelversion",
            constraint=models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="modelversion_number_from_1"),
        ),
        migrations.AddConstraint(
            model_name="alias",
            constraint=models.UniqueConstraint(fields=("model", "name"), name="alias_name_once"),
        ),
    ]
