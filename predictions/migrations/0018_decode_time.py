"""Add the time for decoding an image. Earlier predictions, and those without an image, have none."""

from functools import partial
from importlib import import_module

from django.db import migrations, models

guarded_statuses = import_module("predictions.migrations.0014_guarded_statuses")
FINAL_COLUMNS = (*guarded_statuses.FINAL_COLUMNS, "decode_ms")
TRIGGERS = guarded_statuses.TRIGGERS | {
    guarded_statuses.FINAL_TRIGGER: (FINAL_COLUMNS, guarded_statuses.FINAL_CONDITION, guarded_statuses.FINAL_MESSAGE)
}


class Migration(migrations.Migration):
    dependencies = [("predictions", "0017_lease_index")]

    operations = [
        migrations.AddField("prediction", "decode_ms", models.FloatField(blank=True, null=True)),
        migrations.RunPython(partial(guarded_statuses.create_triggers, triggers=TRIGGERS), guarded_statuses.create_triggers),
    ]
