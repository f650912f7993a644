"""Erasures: the removal of all data of users."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_preferences")]

    operations = [
        migrations.CreateModel(
            "Erasure",
            [
                (
                    "id",
                    models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("completed_at", models.DateTimeField(editable=False, null=True)),
                (
                    "leased_until",
                    models.DateTimeField(
                        editable=False,
                        help_text="A process runs it. After this time, the process is considered lost.",
                        null=True,
                    ),
                ),
                ("total_rows", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "counts",
                    models.JSONField(
                        default=dict, editable=False, help_text="Number of removed or anonymized rows by kind."
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        editable=False,
                        help_text="Empty for users themselves.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        editable=False,
                        help_text="The account. Empty when it is deleted.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="erasures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("completed_at", None)), fields=["leased_until"], name="erasure_open")
                ],
            },
        ),
    ]
