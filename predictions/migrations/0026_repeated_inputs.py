from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("predictions", "0025_shown_prediction")]

    operations = [
        migrations.AddField(
            "reviewsummary",
            "sha256",
            models.CharField(
                db_default="",
                default="",
                help_text="Of the input; empty if it is not checked, or if it was removed.",
                max_length=64,
            ),
        ),
        migrations.AddField(
            "reviewsummary",
            "is_repeated",
            models.BooleanField(
                help_text="Whether the input has other predictions, or was submitted several times. Null: not checked.",
                null=True,
            ),
        ),
    ]
