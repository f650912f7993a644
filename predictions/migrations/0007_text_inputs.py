"""Add two kinds of inputs: a text, and an image with features."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("predictions", "0006_multi_label_reviews")]

    operations = [
        migrations.RemoveConstraint(
            model_name="input",
            name="input_image_or_features",
        ),
        migrations.AlterField(
            model_name="input",
            name="features",
            field=models.JSONField(
                blank=True, help_text='The row of features by name. A text is stored as {"text": "…"}.', null=True
            ),
        ),
        migrations.AlterField(
            model_name="input",
            name="kind",
            field=models.CharField(
                choices=[
                    ("image", "Image"),
                    ("tabular", "Tabular"),
                    ("text", "Text"),
                    ("image-tabular", "Image and features"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="input",
            name="sha256",
            field=models.CharField(
                help_text="SHA-256 of the file, of the text in UTF-8, or of the canonical JSON (RFC 8785) of the features. For an image with features, of the canonical JSON of both, with the SHA-256 of the file as image.",
                max_length=64,
                validators=[
                    django.core.validators.RegexValidator("\\A[0-9a-f]{64}\\Z", "Use 64 lowercase hexadecimal digits.")
                ],
            ),
        ),
        migrations.AddConstraint(
            model_name="input",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("features__isnull", True), ("kind", "image"), models.Q(("image", ""), _negated=True)),
                    models.Q(("features__isnull", False), ("image", ""), ("kind__in", ["tabular", "text"])),
                    models.Q(("features__isnull", False), ("kind", "image-tabular"), models.Q(("image", ""), _negated=True)),
                    _connector="OR",
                ),
                name="input_image_or_features",
            ),
        ),
    ]
