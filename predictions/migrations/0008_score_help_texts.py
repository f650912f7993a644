"""Describe label, confidence, and margin for models that decide with a threshold or by themselves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("predictions", "0007_text_inputs")]
    operations = [
        migrations.AlterField(
            "prediction", "label", models.CharField(blank=True, help_text="The predicted label.", max_length=100)
        ),
        migrations.AlterField(
            "prediction", "confidence", models.FloatField(blank=True, help_text="The score of the label, 0 to 1.", null=True)
        ),
        migrations.AlterField(
            "prediction",
            "margin",
            models.FloatField(
                blank=True,
                help_text="The score of the label minus the highest other score, -1 to 1. If thresholds decide, the smallest "
                "distance of a score to its threshold.",
                null=True,
            ),
        ),
    ]
