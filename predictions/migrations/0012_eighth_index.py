"""Let drift samples of windows with tens of thousands of predictions be read from a small index."""

from django.db import migrations, models

from core.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("predictions", "0011_drift_sample_indexes")]

    operations = [
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                fields=["model_version", "created_at"],
                include=["id"],
                condition=models.Q(("id__random_bits__lt", "20000000"), ("status", "succeeded")),
                name="prediction_version_eighth",
            ),
        ),
    ]
