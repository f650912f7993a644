"""The review queue: who has which prediction before them, and the orders it is walked in."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import predictions.fields


def fold_back(apps, schema_editor):
    """Give reviews of the new orders the nearest of the old ones, which are all that the constraint before allows."""
    reviews = apps.get_model("predictions", "Review").objects
    reviews.filter(picked_by="margin").update(picked_by="uncertain")
    reviews.filter(picked_by__in=["label", "newest"]).update(picked_by="manual")


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0005_review"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewClaim",
            fields=[
                (
                    "id",
                    predictions.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "picked_by",
                    models.CharField(
                        choices=[
                            ("random", "at random"),
                            ("uncertain", "the least confident first"),
                            ("margin", "the smallest margin first"),
                            ("label", "by label"),
                            ("newest", "the newest first"),
                            ("manual", "by hand"),
                            ("api", "API"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "skipped",
                    models.BooleanField(default=False, help_text="Not to be shown to this person again for a while."),
                ),
                ("until", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="review",
            name="review_known_picked_by",
        ),
        migrations.RemoveIndex(
            model_name="prediction",
            name="prediction_version_confidence",
        ),
        migrations.AddField(
            model_name="prediction",
            name="margin",
            field=models.FloatField(blank=True, help_text="The top class's score less the second's, 0 to 1.", null=True),
        ),
        migrations.AlterField(
            model_name="review",
            name="picked_by",
            field=models.CharField(
                choices=[
                    ("random", "at random"),
                    ("uncertain", "the least confident first"),
                    ("margin", "the smallest margin first"),
                    ("label", "by label"),
                    ("newest", "the newest first"),
                    ("manual", "by hand"),
                    ("api", "API"),
                ],
                help_text="How the prediction came to be judged; not all ways are fair samples.",
                max_length=10,
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
                predictions.fields.RandomBits("id"),
                name="prediction_version_shuffled",
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(
                models.F("model_version"), models.F("status"), models.F("created_at"), name="prediction_version_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("picked_by__in", ["random", "uncertain", "margin", "label", "newest", "manual", "api"])),
                name="review_known_picked_by",
            ),
        ),
        migrations.AddField(
            model_name="reviewclaim",
            name="prediction",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="claims",
                to="predictions.prediction",
            ),
        ),
        migrations.AddField(
            model_name="reviewclaim",
            name="reviewer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="claims", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="reviewclaim",
            index=models.Index(models.F("until"), name="claim_until"),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("skipped", False)), fields=("prediction",), name="claim_one_reviewer_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.UniqueConstraint(fields=("prediction", "reviewer"), name="claim_once_each"),
        ),
        migrations.RunPython(migrations.RunPython.noop, fold_back),
    ]
