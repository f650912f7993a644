"""Daily quotas of users, and what they have used of their limits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_attempt_counts")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="daily_quota",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Predictions per day (UTC). If empty, the setting DAILY_QUOTA applies.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="Usage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("requests", "Requests"), ("predictions", "Predictions")], max_length=20),
                ),
                ("started_at", models.DateTimeField()),
                ("used", models.BigIntegerField(default=0)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="usage", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "usage",
                "constraints": [models.UniqueConstraint(fields=("user", "kind"), name="usage_user_kind")],
            },
        ),
    ]
