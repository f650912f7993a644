"""Add the true labels of multi-label predictions to reviews."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0004_reviewers"),
    ]

    operations = [
        migrations.AddField(
            model_name="review",
            name="true_labels",
            field=models.JSONField(
                blank=True,
                help_text="For a multi-label model, the list of all true labels in the order of the version. Empty if none applies.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="prediction",
            name="margin",
            field=models.FloatField(
                blank=True,
                help_text="The highest score minus the second highest, 0 to 1. For a multi-label model, the smallest distance of a score to its threshold.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("true_labels__isnull", True),
                    models.Q(("true_label", ""), ("true_value", None), models.Q(("verdict", "unsure"), _negated=True)),
                    _connector="OR",
                ),
                name="review_true_labels_alone",
            ),
        ),
    ]
