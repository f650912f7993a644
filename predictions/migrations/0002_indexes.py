"""Add the indexes and constraints of inputs and predictions."""

from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="input",
            index=models.Index(models.F("user"), models.OrderBy(models.F("id"), descending=True), name="input_user_newest"),
        ),
        migrations.AddIndex(
            model_name="input",
            index=models.Index(models.F("sha256"), name="input_sha256"),
        ),
        migrations.AddIndex(
            model_name="input",
            index=models.Index(models.F("created_at"), name="input_created_at"),
        ),
        migrations.AddConstraint(
            model_name="input",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("features__isnull", True), ("kind", "image"), models.Q(("image", ""), _negated=True)),
                    models.Q(("image", ""), ("kind", "tabular"), ("features__isnull", False)),
                    _connector="OR",
                ),
                name="input_image_or_features",
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("user"), models.OrderBy(models.F("id"), descending=True), name="prediction_user_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"), models.OrderBy(models.F("id"), descending=True), name="prediction_version_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"), models.F("status"), models.F("confidence"), name="prediction_least_confident"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"), models.F("status"), models.F("margin"), name="prediction_version_margin"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"),
                models.F("status"),
                core.fields.RandomBits("id"),
                name="prediction_version_shuffled",
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"), models.F("status"), models.F("created_at"), name="prediction_version_status"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("label"), models.OrderBy(models.F("id"), descending=True), name="prediction_label_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("status"), models.OrderBy(models.F("id"), descending=True), name="prediction_status_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(models.F("client_reference"), name="prediction_reference"),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(models.F("created_at"), name="prediction_created_at"),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["queued", "running", "succeeded", "failed", "canceled"])),
                name="prediction_known_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "succeeded"), _negated=True),
                    models.Q(("error_code", ""), ("output__isnull", False)),
                    _connector="OR",
                ),
                name="prediction_succeeded_has_output",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "failed"), _negated=True),
                    models.Q(models.Q(("error_code", ""), _negated=True), ("output__isnull", True)),
                    _connector="OR",
                ),
                name="prediction_failed_has_error_code",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("completed_at__isnull", False), ("status__in", ["succeeded", "failed", "canceled"])),
                    models.Q(("completed_at__isnull", True), ("status__in", ["queued", "running"])),
                    _connector="OR",
                ),
                name="prediction_final_is_completed",
            ),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confidence", None), models.Q(("confidence__gte", 0), ("confidence__lte", 1)), _connector="OR"
                ),
                name="prediction_confidence_range",
            ),
        ),
    ]
