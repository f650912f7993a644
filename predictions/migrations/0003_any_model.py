from django.db import migrations, models

import predictions.validators


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0002_reviewers"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelversion",
            name="examples",
            field=models.JSONField(
                blank=True, default=list, help_text="Inputs with the answers that were expected of them at registration."
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="trusted",
            field=models.BooleanField(default=False, help_text="May run code of its author: registered with --trusted."),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="labels",
            field=models.JSONField(blank=True, default=list, validators=[predictions.validators.validate_labels]),
        ),
        migrations.AlterField(
            model_name="registeredmodel",
            name="task",
            field=models.CharField(
                choices=[
                    ("image-classification", "image classification"),
                    ("tabular-classification", "tabular classification"),
                    ("tabular-regression", "tabular regression"),
                    ("image-regression", "image regression"),
                    ("other", "other, kept raw"),
                ],
                max_length=40,
            ),
        ),
    ]
