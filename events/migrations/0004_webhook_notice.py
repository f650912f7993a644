"""Why a webhook was disabled, and when its user was notified."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0003_webhook")]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="disabled_error",
            field=models.CharField(blank=True, db_default="", default="", max_length=1000, verbose_name="last error"),
        ),
        migrations.AddField(
            model_name="webhook",
            name="owner_notified_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When the email about the disabled webhook was sent.", null=True
            ),
        ),
    ]
