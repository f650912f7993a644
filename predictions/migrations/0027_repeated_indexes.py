"""Index the summaries by repeated inputs.

The server fills the new columns in the background. Until then, they are null, and the comparison of versions takes longer.
"""

from django.db import migrations, models

from core.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL builds indexes concurrently only outside a transaction

    dependencies = [("predictions", "0026_repeated_inputs")]

    operations = [
        AddIndexOnline(
            "reviewsummary",
            models.Index(
                condition=models.Q(("is_repeated", True), ("is_repeated", None), _connector="OR"),
                fields=["model_version"],
                name="reviewsummary_repeated",
            ),
        ),
        AddIndexOnline(
            "reviewsummary",
            models.Index(condition=models.Q(("is_repeated", False)), fields=["sha256"], name="reviewsummary_sha256"),
        ),
    ]
