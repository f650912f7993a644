"""Add the converted network of a model version. It is immutable, like its other columns."""

from functools import partial
from importlib import import_module

from django.db import migrations, models

triggers = import_module("registry.migrations.0002_immutable_versions")
notices = import_module("registry.migrations.0004_version_notices")
COLUMNS = (*notices.COLUMNS, "conversion")


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_version_notices")]

    operations = [
        # Backwards, the column can be removed only after the triggers that name it.
        migrations.RunPython(triggers.drop_triggers, partial(triggers.create_triggers, columns=notices.COLUMNS)),
        migrations.AddField(
            model_name="modelversion",
            name="conversion",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text=(
                    "The converted network that runs in place of the artifact: its runtime, path below MODEL_ROOT, sha256, "
                    "size in bytes, and largest difference from the artifact. Empty if the artifact itself runs."
                ),
            ),
        ),
        migrations.RunPython(partial(triggers.create_triggers, columns=COLUMNS), triggers.drop_triggers),
    ]
