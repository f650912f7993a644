"""Reviews, which reviewers may look at in the admin too."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import predictions.fields


def let_reviewers_look(apps, schema_editor):
    # Permissions are otherwise made after the last migration; asking for them early is harmless.
    create_permissions(installed.get_app_config("predictions"), verbosity=0, using=schema_editor.connection.alias)
    permissions = apps.get_model("auth", "Permission").objects
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Reviewers")
    group.permissions.add(*permissions.filter(content_type__app_label="predictions", codename="view_review"))


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0004_freeze_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    predictions.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        choices=[("correct", "Correct"), ("incorrect", "Incorrect"), ("unsure", "Unsure")], max_length=10
                    ),
                ),
                ("true_label", models.CharField(blank=True, max_length=100)),
                ("true_value", models.FloatField(blank=True, null=True)),
                ("comment", models.TextField(blank=True, max_length=2000)),
                (
                    "picked_by",
                    models.CharField(
                        choices=[("random", "Random"), ("uncertain", "Uncertain"), ("manual", "Manual"), ("api", "API")],
                        help_text="How the prediction came to be judged; not all ways are fair samples.",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "prediction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="predictions.prediction",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reviews",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        models.F("prediction"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="review_prediction_newest",
                    ),
                    models.Index(
                        models.F("reviewer"), models.OrderBy(models.F("id"), descending=True), name="review_reviewer_newest"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)),
                        fields=("prediction", "reviewer"),
                        name="review_one_opinion_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["correct", "incorrect", "unsure"])), name="review_known_verdict"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("picked_by__in", ["random", "uncertain", "manual", "api"])),
                        name="review_known_picked_by",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("true_label", ""), ("true_value", None), _connector="OR"),
                        name="review_one_truth",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "unsure"), _negated=True),
                            models.Q(("true_label", ""), ("true_value", None)),
                            _connector="OR",
                        ),
                        name="review_unsure_knows_no_truth",
                    ),
                ],
            },
        ),
        migrations.RunPython(let_reviewers_look, migrations.RunPython.noop),
    ]
