"""Inputs and predictions: what was asked, and what was answered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from inference.signature import in_words
from predictions.fields import RandomBits, UUID7Field
from predictions.models.registry import ModelVersion
from predictions.querysets import InputQuerySet, PredictionQuerySet
from predictions.storage import input_path
from predictions.validators import validate_sha256

TINY = 64  # pixels of width
FEW_LABELS = 13  # that fit on a page as buttons


class Input(models.Model):
    """One thing somebody asked about: an uploaded image, or a row of features. Never edited."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        TABULAR = "tabular"

    id = UUID7Field()
    # The ledger outlives an account. The composite index below serves this key's own queries too.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="inputs"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    image = models.ImageField(upload_to=input_path, max_length=200, blank=True)
    features = models.JSONField(null=True, blank=True)
    sha256 = models.CharField(
        max_length=64, validators=[validate_sha256], help_text="Of the bytes, or of the canonical JSON."
    )
    content_type = models.CharField(max_length=50, blank=True, help_text="As the decoder found it.")
    width = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels, as stored.")
    height = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels, as stored.")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    original_name = models.CharField(max_length=255, blank=True, help_text="As the sender called it.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = InputQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: a user's inputs, newest first; forgetting a user.
            models.Index(F("user"), F("id").desc(), name="input_user_newest"),
            # Serves: has this very image been asked about before; the files of an export.
            models.Index("sha256", name="input_sha256"),
            # Serves: the admin's date hierarchy.
            models.Index("created_at", name="input_created_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="image", features__isnull=True) & ~Q(image=""))
                | (Q(kind="tabular", image="") & Q(features__isnull=False)),
                name="input_image_or_features",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_tiny(self) -> bool:
        """Return whether an image has so few pixels that pages draw it with crisp ones."""
        return (self.width or 0) <= TINY


class Prediction(models.Model):
    """One answer of one model version to one input. `output` is never changed once written."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    class Source(models.TextChoices):
        WEB = "web", "web page"
        API = "api", "API"
        V2 = "v2", "V2 protocol"
        BATCH = "batch", "batch"
        ADMIN = "admin", "admin"
        CLI = "cli", "command line"

    id = UUID7Field()
    input = models.ForeignKey(Input, models.PROTECT, related_name="predictions")
    # The composite indexes below serve these two keys' own queries too.
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, db_index=False, related_name="predictions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="predictions"
    )
    status = models.CharField(max_length=10, choices=Status.choices)
    source = models.CharField(max_length=10, choices=Source.choices)
    output = models.JSONField(null=True, blank=True)
    label = models.CharField(max_length=100, blank=True, help_text="The top class.")
    confidence = models.FloatField(null=True, blank=True, help_text="The top class's score, 0 to 1.")
    margin = models.FloatField(null=True, blank=True, help_text="The top class's score less the second's, 0 to 1.")
    value = models.FloatField(null=True, blank=True, help_text="Of a regression.")
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    queue_ms = models.FloatField(null=True, blank=True)
    preprocess_ms = models.FloatField(null=True, blank=True)
    inference_ms = models.FloatField(null=True, blank=True)
    client_reference = models.CharField(max_length=255, blank=True, help_text="The caller's own id.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = PredictionQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: one's own history, newest first; forgetting a user.
            models.Index(F("user"), F("id").desc(), name="prediction_user_newest"),
            # Serves: filter by model version, newest first.
            models.Index(F("model_version"), F("id").desc(), name="prediction_version_newest"),
            # Serves: the least confident answers of a version first.
            models.Index("model_version", "status", "confidence", name="prediction_least_confident"),
            # Serves: the smallest margin first.
            models.Index("model_version", "status", "margin", name="prediction_version_margin"),
            # Serves: a fair sample, drawn in an order that has nothing to do with what was asked or answered.
            models.Index(F("model_version"), F("status"), RandomBits("id"), name="prediction_version_shuffled"),
            # Serves: how many answers a version gave, and since when.
            models.Index("model_version", "status", "created_at", name="prediction_version_status"),
            # Serves: filter by label, newest first.
            models.Index(F("label"), F("id").desc(), name="prediction_label_newest"),
            # Serves: what failed or is still to be done, newest first.
            models.Index(F("status"), F("id").desc(), name="prediction_status_newest"),
            # Serves: find by the caller's own id.
            models.Index("client_reference", name="prediction_reference"),
            # Serves: filter by date, the admin's date hierarchy.
            models.Index("created_at", name="prediction_created_at"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed", "canceled"]),
                name="prediction_known_status",
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | Q(output__isnull=False, error_code=""),
                name="prediction_succeeded_has_output",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | (~Q(error_code="") & Q(output__isnull=True)),
                name="prediction_failed_has_error_code",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["succeeded", "failed", "canceled"], completed_at__isnull=False)
                | Q(status__in=["queued", "running"], completed_at__isnull=True),
                name="prediction_final_is_completed",
            ),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=0, confidence__lte=1), name="prediction_confidence_range"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("predictions:detail", args=[self.id])

    @property
    def answer(self) -> str:
        """Return what the model said in few words: its label, or its value with its unit, or that it is kept raw."""
        if self.status != self.Status.SUCCEEDED:
            return ""
        if self.value is not None:
            return f"{self.value:,.6g} {self.model_version.signature['output'].get('unit', '')}".strip()
        return self.label or "raw output"

    @property
    def named_features(self) -> list[tuple[str, Any, str]]:
        """Return (name, value, unit) in the signature's order; a database may have kept them in another."""
        features = self.input.features or {}
        return [(one["name"], features[one["name"]], one.get("unit", "")) for one in self._asked_features]

    @property
    def features_in_words(self) -> list[tuple[str, Any, str]]:
        """Return (what people call it, value, unit) in the signature's order."""
        words = [in_words(one["name"], one.get("title", "")) for one in self._asked_features]
        return [(word, value, unit) for word, (_, value, unit) in zip(words, self.named_features, strict=True)]

    @property
    def _asked_features(self) -> list[dict[str, Any]]:
        features = self.input.features or {}
        return [one for one in self.model_version.signature["input"].get("features", ()) if one["name"] in features]

    @property
    def ranked_scores(self) -> list[tuple[str, float]]:
        """Return (label, score), the highest first; a database may have kept them in another order."""
        scores = (self.output or {}).get("scores", {})
        return sorted(scores.items(), key=lambda pair: -pair[1])

    @property
    def other_labels(self) -> list[str]:
        """Return the labels that were not the answer: few in their own order, many the likeliest first."""
        labels: list[str] = self.model_version.labels
        if len(labels) > FEW_LABELS:
            labels = [label for label, _ in self.ranked_scores] or labels
        return [label for label in labels if label != self.label]

    @property
    def measured_margin(self) -> float | None:
        """Return how far the top class is ahead of the second; None for what has no two scores."""
        ranked = self.ranked_scores
        return ranked[0][1] - ranked[1][1] if len(ranked) > 1 else None
