"""Count the files of batch jobs that retention policies have removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0027_repeated_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="retentionrun",
            name="removed_job_files",
            field=models.PositiveBigIntegerField(db_default=0, default=0, verbose_name="removed files of batch jobs"),
        ),
    ]
