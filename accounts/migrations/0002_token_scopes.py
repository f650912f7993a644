"""Add the scopes of API tokens. Existing tokens keep all rights of their users."""

from django.db import migrations, models

import accounts.scopes


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=models.CharField(
                default="read predict review",
                help_text="What the token may do, separated by spaces.",
                max_length=100,
                validators=[accounts.scopes.validate_scopes],
            ),
        )
    ]
