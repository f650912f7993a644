"""The indexes of the filters of deliveries."""

from django.db import migrations, models

from core.operations import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("events", "0007_error_codes")]

    operations = [
        AddIndexOnline(
            model_name="event",
            index=models.Index(
                models.F("type"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("type", "prediction.succeeded"), _negated=True),
                name="event_rare_type",
            ),
        ),
        AddIndexOnline(
            model_name="delivery",
            index=models.Index(
                models.F("target"),
                models.OrderBy(models.F("event"), descending=True),
                condition=models.Q(("state", "failed")),
                name="delivery_target_failed",
            ),
        ),
        AddIndexOnline(
            model_name="delivery",
            index=models.Index(models.F("id"), condition=models.Q(("state", "failed")), name="delivery_failed_newest"),
        ),
        RemoveIndexOnline(model_name="delivery", name="delivery_failed"),
    ]
