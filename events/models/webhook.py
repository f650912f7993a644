"""Webhooks: addresses of users that receive events."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from events.error_messages import MAX_CODE_CHARACTERS, MAX_ERROR_CHARACTERS
from events.validators import validate_event_types, validate_webhook_url
from events.webhooks.addresses import MAX_URL_CHARACTERS

TARGET_PREFIX = "webhook"
MAX_SECRET_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 200


class WebhookQuerySet(models.QuerySet):
    """Webhooks. Only their users see them on pages."""

    def receiving(self) -> WebhookQuerySet:
        """Return the webhooks for which events are stored: those of active users that are not disabled."""
        return self.exclude(state=Webhook.State.DISABLED).filter(user__is_active=True)


class Webhook(models.Model):
    """An address that receives the events that its user may see, signed with its secret."""

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        DISABLED = "disabled", _("Disabled")

    class Reason(models.TextChoices):
        GONE = "gone", _("The address responded with 410 Gone.")
        FAILING = "failing", _("All deliveries of the last days failed.")

    id = UUID7Field()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="webhooks",  # the index serves: a user's webhooks; the webhooks of the owners of events
    )
    url = models.CharField(_("URL"), max_length=MAX_URL_CHARACTERS, validators=[validate_webhook_url])
    description = models.CharField(_("description"), max_length=MAX_DESCRIPTION_CHARACTERS, blank=True)
    event_types = models.JSONField(
        _("events"), validators=[validate_event_types], help_text=_("The types of events that it receives.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    disabled_reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices, blank=True)
    disabled_at = models.DateTimeField(_("disabled"), null=True, blank=True)
    disabled_error = models.CharField(
        _("last error"), max_length=MAX_ERROR_CHARACTERS, blank=True, default="", db_default=""
    )
    disabled_error_code = models.CharField(
        max_length=MAX_CODE_CHARACTERS,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Of an error that pages translate."),
    )
    disabled_error_values = models.JSONField(null=True, blank=True, editable=False, help_text=_("The values in the error."))
    owner_notified_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the email about the disabled webhook was sent.")
    )
    resumed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Responses to requests that were sent earlier do not disable it."),
    )
    secret = models.CharField(max_length=MAX_SECRET_CHARACTERS)
    previous_secret = models.CharField(max_length=MAX_SECRET_CHARACTERS, blank=True)
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)
    failure_count = models.PositiveIntegerField(
        _("failures"), default=0, help_text=_("Attempts that failed since the last delivery.")
    )
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(state="disabled", disabled_at__isnull=False, disabled_reason__in=["gone", "failing"])
                | Q(state__in=["active", "paused"], disabled_at__isnull=True, disabled_reason=""),
                name="webhook_known_state",
            ),
        ]
        indexes = [
            # Serves: the job that sends emails about disabled webhooks.
            models.Index(
                "disabled_at", name="webhook_unnotified", condition=Q(disabled_at__isnull=False, owner_notified_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url

    def get_absolute_url(self) -> str:
        return reverse("events:webhook", args=[self.pk])

    @property
    def target(self) -> str:
        """Return the name of the target in deliveries."""
        return f"{TARGET_PREFIX}:{self.pk}"

    def list_valid_secrets(self) -> list[str]:
        """Return the secrets that sign requests: the current one, and the previous one until it expires."""
        is_valid = self.previous_secret_expires_at is not None and timezone.now() < self.previous_secret_expires_at
        return [self.secret, self.previous_secret] if is_valid else [self.secret]
