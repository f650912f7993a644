"""Let drift samples and counts of predictions be read from indexes alone."""

from django.db import migrations, models

from core.operations import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("predictions", "0010_list_indexes")]

    operations = [
        RemoveIndexOnline(model_name="prediction", name="prediction_version_status"),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                fields=["model_version", "status", "created_at"], include=["id"], name="prediction_version_status"
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                fields=["model_version", "created_at"],
                include=["id"],
                condition=models.Q(("id__random_bits__lt", "04000000"), ("status", "succeeded")),
                name="prediction_version_sampled",
            ),
        ),
    ]
