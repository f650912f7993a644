"""Counts of sign-ups and password resets."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_token_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("key", models.CharField(max_length=64)),
                ("started_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["started_at"], name="attempt_count_started")],
                "constraints": [models.UniqueConstraint(fields=("kind", "key"), name="attempt_count_kind_key")],
            },
        ),
    ]
