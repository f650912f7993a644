"""Create reviews and the claims of the review queue."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields


class Migration(migrations.Migration):
    dependencies = [
        ("predictions", "0002_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
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
                        choices=[
                            ("random", "Random"),
                            ("uncertain", "Lowest confidence"),
                            ("margin", "Smallest margin"),
                            ("label", "By label"),
                            ("newest", "Newest"),
                            ("manual", "Manual"),
                            ("api", "API"),
                        ],
                        help_text="How the prediction was selected for review. Only `random` gives a representative sample.",
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
            },
        ),
        migrations.CreateModel(
            name="ReviewClaim",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "picked_by",
                    models.CharField(
                        choices=[
                            ("random", "Random"),
                            ("uncertain", "Lowest confidence"),
                            ("margin", "Smallest margin"),
                            ("label", "By label"),
                            ("newest", "Newest"),
                            ("manual", "Manual"),
                            ("api", "API"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "skipped",
                    models.BooleanField(
                        default=False,
                        help_text="The reviewer skipped the prediction; it is not shown to them again until the claim expires.",
                    ),
                ),
                ("until", models.DateTimeField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "prediction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="predictions.prediction",
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="claims", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                models.F("prediction"), models.OrderBy(models.F("id"), descending=True), name="review_prediction_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(
                models.F("reviewer"), models.OrderBy(models.F("id"), descending=True), name="review_reviewer_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at", None)),
                fields=("prediction", "reviewer"),
                name="review_one_active_per_reviewer",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["correct", "incorrect", "unsure"])), name="review_known_verdict"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("picked_by__in", ["random", "uncertain", "margin", "label", "newest", "manual", "api"])),
                name="review_known_picked_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("true_label", ""), ("true_value", None), _connector="OR"), name="review_label_or_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("verdict", "unsure"), _negated=True),
                    models.Q(("true_label", ""), ("true_value", None)),
                    _connector="OR",
                ),
                name="review_unsure_without_true_output",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewclaim",
            index=models.Index(models.F("until"), name="claim_until"),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("skipped", False)), fields=("prediction",), name="claim_one_reviewer"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewclaim",
            constraint=models.UniqueConstraint(fields=("prediction", "reviewer"), name="claim_once_per_reviewer"),
        ),
    ]
