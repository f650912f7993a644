import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0005_alert_permissions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CountedUser",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "user",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="counted",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="rollup",
            name="users",
            field=models.BinaryField(
                help_text="Predictions by number of the user, packed by `monitoring.user_counts`.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="rollup",
            name="counts",
            field=models.JSONField(
                help_text="Predictions by status, error code, and label. By user ID if `users` is null (empty without a user)."
            ),
        ),
    ]
