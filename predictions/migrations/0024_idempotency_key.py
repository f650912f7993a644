from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("predictions", "0023_retention"), ("accounts", "0009_idempotency_key")]

    operations = [
        # The model is now in the app `accounts`, and uses the same table.
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("IdempotencyKey")]),
    ]
