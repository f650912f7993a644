"""Add the notices and the library versions of a model version. Both are immutable, like its other columns."""

from functools import partial
from importlib import import_module

from django.db import migrations, models

triggers = import_module("registry.migrations.0002_immutable_versions")
COLUMNS = (*triggers.IMMUTABLE_COLUMNS, "notices", "libraries")


class Migration(migrations.Migration):
    dependencies = [("registry", "0003_model_tasks")]

    operations = [
        # Backwards, the columns can be removed only after the triggers that name them.
        migrations.RunPython(triggers.drop_triggers, triggers.create_triggers),
        migrations.AddField(
            model_name="modelversion",
            name="notices",
            field=models.JSONField(
                blank=True, default=list, help_text="What registration derived or noticed, one sentence each."
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="libraries",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="The versions of the libraries with which it was registered, by name.",
            ),
        ),
        migrations.RunPython(partial(triggers.create_triggers, columns=COLUMNS), triggers.drop_triggers),
    ]
