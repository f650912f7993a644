from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0005_webhook_notice_index")]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="resumed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Responses to requests that were sent earlier do not disable it.",
                null=True,
            ),
        ),
    ]
