import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.fields
import predictions.paths


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("registry", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Input",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(choices=[("image", "Image"), ("tabular", "Tabular")], max_length=10)),
                ("image", models.ImageField(blank=True, max_length=200, upload_to=predictions.paths.get_input_path)),
                ("features", models.JSONField(blank=True, null=True)),
                (
                    "sha256",
                    models.CharField(
                        help_text="SHA-256 of the file, or of the canonical JSON (RFC 8785) of the features.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-f]{64}\\Z", "Use 64 lower-case hexadecimal digits."
                            )
                        ],
                    ),
                ),
                ("content_type", models.CharField(blank=True, help_text="As detected by the decoder.", max_length=50)),
                ("width", models.PositiveIntegerField(blank=True, help_text="Pixels.", null=True)),
                ("height", models.PositiveIntegerField(blank=True, help_text="Pixels.", null=True)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("original_name", models.CharField(blank=True, help_text="The file name as uploaded.", max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="inputs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Prediction",
            fields=[
                (
                    "id",
                    core.fields.UUID7Field(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("canceled", "Canceled"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("web", "web page"),
                            ("api", "API"),
                            ("v2", "V2 protocol"),
                            ("batch", "batch"),
                            ("admin", "admin"),
                            ("cli", "command line"),
                        ],
                        max_length=10,
                    ),
                ),
                ("output", models.JSONField(blank=True, null=True)),
                ("label", models.CharField(blank=True, help_text="The label with the highest score.", max_length=100)),
                ("confidence", models.FloatField(blank=True, help_text="The highest score, 0 to 1.", null=True)),
                (
                    "margin",
                    models.FloatField(
                        blank=True, help_text="The highest score minus the second highest, 0 to 1.", null=True
                    ),
                ),
                ("value", models.FloatField(blank=True, help_text="The output of a regression model.", null=True)),
                ("error_code", models.CharField(blank=True, max_length=50)),
                ("error_message", models.TextField(blank=True)),
                ("queue_ms", models.FloatField(blank=True, null=True)),
                ("preprocess_ms", models.FloatField(blank=True, null=True)),
                ("inference_ms", models.FloatField(blank=True, null=True)),
                ("client_reference", models.CharField(blank=True, help_text="The caller's own id or note.", max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "input",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="predictions", to="predictions.input"
                    ),
                ),
                (
                    "model_version",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="predictions",
                        to="registry.modelversion",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="predictions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
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
                            ("random", "random"),
                            ("uncertain", "lowest confidence"),
                            ("margin", "smallest margin"),
                            ("label", "label"),
                            ("newest", "newest"),
                            ("manual", "manual"),
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
                            ("random", "random"),
                            ("uncertain", "lowest confidence"),
                            ("margin", "smallest margin"),
                            ("label", "label"),
                            ("newest", "newest"),
                            ("manual", "manual"),
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
