"""Saved filters, the search for file names, and lists sorted by confidence."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields
from core.operations import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [
        ("predictions", "0019_permissions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexOnline(
            model_name="input",
            index=models.Index(
                condition=models.Q(("original_name", ""), _negated=True),
                fields=["original_name", "user"],
                name="input_name",
                opclasses=["varchar_pattern_ops", "uuid_ops"],
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(models.F("confidence"), models.F("id"), name="prediction_confidence_id"),
        ),
        RemoveIndexOnline(model_name="prediction", name="prediction_confidence"),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_filters",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(blank=True, help_text="The query string of the history.", max_length=4000)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={"ordering": ("name",)},
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.UniqueConstraint(
                fields=("user", "name"),
                name="savedfilter_unique_name",
                violation_error_message="You already have a filter with this name.",
            ),
        ),
    ]
