"""Move the model of idempotency keys from the app `predictions`. The table stays as it is, with its name."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields

CREATE_MODEL = migrations.CreateModel(
    name="IdempotencyKey",
    fields=[
        (
            "id",
            core.fields.UUID7Field(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False),
        ),
        ("key", models.CharField(max_length=255)),
        (
            "fingerprint",
            models.CharField(help_text="SHA-256 of the method, the path, and the body of the request.", max_length=64),
        ),
        (
            "leased_until",
            models.DateTimeField(
                blank=True,
                help_text="The first request is running. After this time, its process is considered lost.",
                null=True,
            ),
        ),
        ("status_code", models.PositiveSmallIntegerField(blank=True, null=True)),
        ("headers", models.JSONField(blank=True, default=dict)),
        ("body", models.BinaryField(blank=True, default=b"")),
        ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
        (
            "user",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="idempotency_keys",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ],
    options={
        "db_table": "predictions_idempotencykey",
        "indexes": [models.Index(models.F("created_at"), name="idempotencykey_created_at")],
        "constraints": [models.UniqueConstraint(models.F("user"), models.F("key"), name="idempotencykey_unique_key")],
    },
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_external_identity"), ("predictions", "0023_retention")]

    operations = [migrations.SeparateDatabaseAndState(state_operations=[CREATE_MODEL])]
