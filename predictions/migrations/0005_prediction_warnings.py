"""Add the warnings of a prediction."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("predictions", "0004_reviewers")]
    operations = [
        migrations.AddField(
            "prediction",
            "warnings",
            models.JSONField(
                default=list,
                blank=True,
                help_text="Reasons to doubt the prediction: a list of objects with a code and a message.",
            ),
        ),
    ]
