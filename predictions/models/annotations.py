"""Tags and comments of predictions."""

from __future__ import annotations

import unicodedata

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from predictions.models.prediction import Prediction

MAX_TAG_CHARACTERS = 40
MAX_COMMENT_CHARACTERS = 2000


def normalize_tag_name(name: str) -> str:
    """Return the name of a tag in lower case, with single spaces and without invisible characters."""
    visible = "".join(char for char in name if char.isspace() or unicodedata.category(char)[0] != "C")
    return " ".join(unicodedata.normalize("NFC", visible).lower().split())


class PredictionTag(models.Model):
    """A short label that users give to a prediction. All who can see the prediction see, add, and remove its tags."""

    id = UUID7Field()
    # The constraint below serves this key's own queries too.
    prediction = models.ForeignKey(
        Prediction, models.CASCADE, db_index=False, related_name="tags", verbose_name=_("prediction")
    )
    name = models.CharField(
        _("name"),
        max_length=MAX_TAG_CHARACTERS,
        validators=[RegexValidator(r"^[^,\s][^,]*$")],
        help_text=_("In lower case."),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ("id",)
        indexes = [
            # Serves: filter by tag, newest prediction first.
            models.Index("name", "prediction", name="tag_name_prediction"),
            # Serves: the tags that a user added last, as suggestions; deleting a user.
            models.Index("user", "id", name="tag_user_id"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "name"], name="tag_once_per_prediction"),
        ]

    def __str__(self) -> str:
        return self.name


class PredictionComment(models.Model):
    """A comment on a prediction. Append-only. All who can see the prediction see its comments, and can add some."""

    id = UUID7Field()
    # The composite index below serves this key's own queries too.
    prediction = models.ForeignKey(
        Prediction, models.CASCADE, db_index=False, related_name="comments", verbose_name=_("prediction")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"), max_length=MAX_COMMENT_CHARACTERS)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ("id",)
        indexes = [
            # Serves: the comments on a prediction, oldest first.
            models.Index("prediction", "id", name="comment_prediction_id"),
        ]

    def __str__(self) -> str:
        return f"{self.author_id}: {self.text[:40]}"
