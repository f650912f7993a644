"""The codes of errors, from which pages build translations. Old rows have only the English text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0006_webhook_resumed"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="error_code",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of an error that pages translate.",
                max_length=30,
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="error_values",
            field=models.JSONField(blank=True, editable=False, help_text="The values in the error.", null=True),
        ),
        migrations.AddField(
            model_name="targetstatus",
            name="error_code",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of an error that pages translate.",
                max_length=30,
            ),
        ),
        migrations.AddField(
            model_name="targetstatus",
            name="error_values",
            field=models.JSONField(blank=True, editable=False, help_text="The values in the error.", null=True),
        ),
        migrations.AddField(
            model_name="webhook",
            name="disabled_error_code",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of an error that pages translate.",
                max_length=30,
            ),
        ),
        migrations.AddField(
            model_name="webhook",
            name="disabled_error_values",
            field=models.JSONField(blank=True, editable=False, help_text="The values in the error.", null=True),
        ),
    ]
