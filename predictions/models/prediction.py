"""Predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import RandomBits, UUID7Field
from core.validators import MAX_LABEL_CHARACTERS
from inference.signature import ClassesOutput, Feature, LabelsOutput
from predictions.dated_querysets import PARTIAL_INDEX_EXCLUSIONS
from predictions.models.input import Input
from predictions.querysets import PredictionQuerySet
from registry.models import ModelVersion

if TYPE_CHECKING:
    from predictions.models.review import Review

MAX_CLIENT_REFERENCE_CHARACTERS = 255
SCORED = {name: Q(status="succeeded", **{f"{name}__isnull": False}) for name in ("confidence", "margin")}
SAMPLED_BELOW = {64: "04000000", 8: "20000000"}  # random bits of an id below the value: one of 64 or of 8 predictions
MARGIN_HELP_TEXT = _(
    "The score of the label minus the highest other score, -1 to 1. If thresholds decide, the smallest distance of a score "
    "to its threshold."
)
EMPTY_OUTPUT: dict[str, Any] = {
    "label": "", "confidence": None, "margin": None, "value": None, "warnings": [], "error_message": "",
    "client_reference": "",
}  # fmt: skip
"""The values of a prediction without its output, which is then an empty object, or null as before."""


class Prediction(models.Model):
    """One output of one model version for one input. `output` is never changed once written."""

    class Status(models.TextChoices):
        # The database rejects every change of a prediction with a final status, and of a status to one that cannot follow
        # it: see migration 0014.
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELED = "canceled", _("Canceled")

    class Source(models.TextChoices):
        # ADMIN is reserved: no entry point uses it.
        WEB = "web", _("Web page")
        API = "api", _("API")
        V2 = "v2", _("V2 protocol")
        BATCH = "batch", _("Batch")
        ADMIN = "admin", _("Admin")
        CLI = "cli", _("Command line")

    OPEN_STATUSES = (Status.QUEUED, Status.RUNNING)
    FINAL_STATUSES = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)

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
    label = models.CharField(max_length=MAX_LABEL_CHARACTERS, blank=True, help_text=_("The predicted label."))
    confidence = models.FloatField(null=True, blank=True, help_text=_("The score of the label, 0 to 1."))
    margin = models.FloatField(null=True, blank=True, help_text=MARGIN_HELP_TEXT)
    value = models.FloatField(null=True, blank=True, help_text=_("The output of a regression model."))
    warnings = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Reasons to doubt the prediction: a list of objects with a code and a message."),
    )
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    decode_ms = models.FloatField(null=True, blank=True)
    queue_ms = models.FloatField(null=True, blank=True)
    preprocess_ms = models.FloatField(null=True, blank=True)
    inference_ms = models.FloatField(null=True, blank=True)
    client_reference = models.CharField(
        max_length=MAX_CLIENT_REFERENCE_CHARACTERS, blank=True, help_text=_("The caller's own ID or note.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = PredictionQuerySet.as_manager()

    active_reviews: list[Review]  # newest first; set by `with_reviews`

    class Meta:
        # Django adds `view_prediction`, and `change_prediction`, which allows canceling. See accounts.permissions.
        permissions = [
            ("review_prediction", "Can review the predictions of all users"),
            ("send_ground_truth", "Can send ground truth for the predictions of all users"),
            ("export_prediction", "Can export the predictions of all users"),
        ]
        # In ascending order, because PostgreSQL then fills the pages of an index with few values (source, ID: 17 not 22 MB).
        indexes = [
            # Serves: a user's history, newest first; deleting a user.
            models.Index("user", "id", name="prediction_user_id"),
            # Serves: filter by model version, newest first.
            models.Index("model_version", "id", name="prediction_version_id"),
            # Serves: the review queue, lowest confidence first.
            models.Index(
                "model_version",
                "confidence",
                name="prediction_version_confidence",
                condition=SCORED["confidence"],
            ),
            # Serves: the review queue, smallest margin first.
            models.Index("model_version", "margin", name="prediction_margin", condition=SCORED["margin"]),
            # Serves: the review queue in random order.
            models.Index(F("model_version"), RandomBits("id"), name="prediction_shuffled", condition=Q(status="succeeded")),
            # Serves: the number of predictions of a version, also since a date; drift samples, from the index alone.
            models.Index(fields=["model_version", "status", "created_at"], include=["id"], name="prediction_version_status"),
            # Serve: drift samples of large windows, from the index alone. They have one of 64 and one of 8 rows.
            *(
                models.Index(
                    fields=["model_version", "created_at"],
                    include=["id"],
                    condition=Q(status="succeeded", id__random_bits__lt=SAMPLED_BELOW[ratio]),
                    name=name,
                )
                for ratio, name in ((64, "prediction_version_sampled"), (8, "prediction_version_eighth"))
            ),
            # Serves: filter by label, newest first.
            models.Index("label", "id", name="prediction_label_id"),
            # Serves: filter by source, newest first.
            models.Index("source", "id", name="prediction_source_id"),
            # Serve: filters by status, error code, and client reference, newest first. Without the value of most rows.
            *(
                models.Index(name, "id", name=f"rare_{name}", condition=~Q(**{name: common}))
                for name, common in PARTIAL_INDEX_EXCLUSIONS.items()
            ),
            # Serves: filter by confidence; lists sorted by confidence.
            models.Index("confidence", "id", name="prediction_confidence_id"),
            # Serves: rollups, which count the predictions of an hour. Lists use the ID instead, see predictions.id_ranges.
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
    def is_erased(self) -> bool:
        """Return whether the output was removed. A prediction that failed has none to remove."""
        return self.output == {} and not self.label and self.value is None

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL_STATUSES

    def get_features(self) -> list[tuple[Feature, Any]]:
        """Return the features with their values in the order of the signature; none for a text.

        Databases may reorder JSON keys.
        """
        values = {} if self.input.kind == Input.Kind.TEXT else self.input.features or {}
        features = self.model_version.parsed_signature.input.features
        return [(feature, values[feature.name]) for feature in features if feature.name in values]

    @property
    def ranked_scores(self) -> list[tuple[str, float]]:
        """Return (label, score) pairs, highest score first. Databases may reorder JSON keys."""
        scores = (self.output or {}).get("scores", {})
        return sorted(scores.items(), key=lambda pair: -pair[1])

    @property
    def predicted_labels(self) -> list[str] | None:
        """Return the labels that a multi-label model predicted, in the order of the version; None for other models."""
        labels: list[str] | None = (self.output or {}).get("labels")
        return labels

    def compute_margin(self) -> float | None:
        """Return how clear the prediction is, or None if there are fewer than two scores.

        This is the score of the label minus the highest other score. It is negative if the model itself decided on a label
        with a lower score. If a threshold decides, it is the smallest distance of a score to its threshold instead: a small
        change of the input could add or remove that label.
        """
        scores: dict[str, float] = (self.output or {}).get("scores", {})
        output, labels = self.model_version.parsed_signature.output, self.model_version.labels
        if isinstance(output, LabelsOutput):
            distances = (abs(scores[label] - threshold) for label, threshold in output.get_thresholds(labels).items())
            return min(distances, default=None) if scores else None
        if len(scores) < 2:
            return None
        if isinstance(output, ClassesOutput) and output.threshold is not None and not output.label_name:
            return abs(scores[labels[1]] - output.threshold)
        return scores[self.label] - max(score for label, score in scores.items() if label != self.label)
