"""Inputs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.validators import MAX_FILE_NAME_CHARACTERS, validate_sha256
from inference.signature import TEXT_KEY
from predictions.paths import get_input_path
from predictions.querysets import InputQuerySet

ERASED_SHA256 = "0" * 64
"""In place of the SHA-256 of an erased input: short texts and features could be guessed from theirs."""
EMPTY_INPUT: dict[str, Any] = {"sha256": ERASED_SHA256, "original_name": ""}
"""The values of an input without its data, besides its file and its features."""


class Input(models.Model):
    """One uploaded image, row of features, or text, or an image together with a row. Never edited."""

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        TABULAR = "tabular", _("Tabular")
        TEXT = "text", _("Text")
        IMAGE_TABULAR = "image-tabular", _("Image and features")

    id = UUID7Field()
    # Inputs outlive their user's account. The composite index below serves this key's own queries too.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="inputs"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    image = models.ImageField(upload_to=get_input_path, max_length=200, blank=True)
    features = models.JSONField(
        null=True, blank=True, help_text=_('The row of features by name. A text is stored as {"text": "…"}.')
    )
    sha256 = models.CharField(
        max_length=64,
        validators=[validate_sha256],
        help_text=_(
            "SHA-256 of the file, of the text in UTF-8, or of the canonical JSON (RFC 8785) of the features. For an "
            "image with features, of the canonical JSON of both, with the SHA-256 of the file as image."
        ),
    )
    content_type = models.CharField(max_length=50, blank=True, help_text=_("As detected by the decoder."))
    width = models.PositiveIntegerField(null=True, blank=True, help_text=_("Pixels."))
    height = models.PositiveIntegerField(null=True, blank=True, help_text=_("Pixels."))
    size = models.PositiveBigIntegerField(help_text=_("Bytes."))
    original_name = models.CharField(
        max_length=MAX_FILE_NAME_CHARACTERS, blank=True, help_text=_("The file name as uploaded.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    data_removed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the file, or all data of an erased input, was removed.")
    )

    objects: ClassVar = InputQuerySet.as_manager()

    class Meta:
        indexes = [
            # Serves: a user's inputs, newest first; deleting a user.
            models.Index("user", "id", name="input_user_id"),
            # Serves: the admin's filter by kind.
            models.Index("kind", "id", name="input_kind_id"),
            # Serves: inputs with the same content; the files of an export.
            models.Index("sha256", name="input_sha256"),
            # Serves: the search for file names that start with a text, also for one user's inputs.
            models.Index(
                fields=["original_name", "user"],
                name="input_name",
                opclasses=["varchar_pattern_ops", "uuid_ops"],
                condition=~Q(original_name=""),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="image", features__isnull=True) & ~Q(image=""))
                | Q(kind__in=["tabular", "text"], image="", features__isnull=False)
                | (Q(kind="image-tabular", features__isnull=False) & ~Q(image="")),
                name="input_image_or_features",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def has_image(self) -> bool:
        """Return whether the input is or contains an image that was not removed."""
        return self.kind in (self.Kind.IMAGE, self.Kind.IMAGE_TABULAR) and self.data_removed_at is None

    @property
    def text(self) -> str | None:
        """Return the text of a text input; None for other inputs."""
        return (self.features or {}).get(TEXT_KEY) if self.kind == self.Kind.TEXT else None

    @property
    def is_erased(self) -> bool:
        """Return whether all data was removed, not only the image."""
        return self.data_removed_at is not None and self.sha256 == ERASED_SHA256
