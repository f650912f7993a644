"""Idempotency keys: a repeated request gets the first response and stores nothing again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field

MAX_IDEMPOTENCY_KEY_CHARACTERS = 255


class IdempotencyKey(models.Model):
    """The key of one request of a user, and the response. See draft-ietf-httpapi-idempotency-key-header.

    The response is stored in the transaction that stores what the request created.
    """

    id = UUID7Field()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="idempotency_keys")
    key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY_CHARACTERS)
    fingerprint = models.CharField(
        max_length=64, help_text=_("SHA-256 of the method, the path, and the body of the request.")
    )
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text=_("The first request is running. After this time, its process is considered lost.")
    )
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.BinaryField(default=b"", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        db_table = "predictions_idempotencykey"  # its name before the model was moved; a new one would stop running servers
        indexes = [
            # Serves: deleting expired keys.
            models.Index("created_at", name="idempotencykey_created_at"),
        ]
        constraints = [
            # Serves: looking up the key of a request.
            models.UniqueConstraint("user", "key", name="idempotencykey_unique_key"),
        ]

    def __str__(self) -> str:
        return self.key
