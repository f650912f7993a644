"""The index of the job that notifies users."""

from django.db import migrations, models

from core.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("events", "0004_webhook_notice")]

    operations = [
        AddIndexOnline(
            model_name="webhook",
            index=models.Index(
                models.F("disabled_at"),
                condition=models.Q(("disabled_at__isnull", False), ("owner_notified_at", None)),
                name="webhook_unnotified",
            ),
        ),
    ]
