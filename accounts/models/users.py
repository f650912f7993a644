"""Users, their API tokens, and counts of what they do."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts import permissions
from accounts.preferences import validate_language, validate_time_zone
from accounts.querysets import ApiTokenQuerySet
from accounts.scopes import ALL_SCOPES, validate_scopes


class User(AbstractUser):
    """A user. The fields that `accounts.preferences` uses are empty if the user has chosen nothing."""

    class Theme(models.TextChoices):
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    daily_quota = models.PositiveIntegerField(
        _("daily quota"),
        null=True,
        blank=True,
        help_text=_("Predictions per day (UTC). If empty, the setting DAILY_QUOTA applies."),
    )
    language = models.CharField(_("language"), max_length=10, blank=True, validators=[validate_language])
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_time_zone])
    theme = models.CharField(_("theme"), max_length=10, blank=True, choices=Theme)
    page_size = models.PositiveSmallIntegerField(_("rows per page"), null=True, blank=True)

    @property
    def can_view_all(self) -> bool:
        """Return whether the user can see the predictions of all users."""
        return permissions.can_view_all(self)

    @property
    def is_reviewer(self) -> bool:
        """Return whether the user can see and review the predictions of all users."""
        return permissions.can_review_all(self)

    @property
    def can_open_review_queue(self) -> bool:
        """Return whether the user can open the review queue, which is a page of the admin."""
        return self.is_staff and self.is_reviewer

    @property
    def can_view_batch_jobs(self) -> bool:
        """Return whether the user can see the batch jobs of all users."""
        return permissions.has_permission(self, permissions.VIEW_BATCH_JOBS)

    @property
    def can_view_models(self) -> bool:
        """Return whether the user can see and use models without an alias."""
        return permissions.has_permission(self, permissions.VIEW_MODELS)

    @property
    def can_promote_models(self) -> bool:
        """Return whether the user can point an alias to another version, which is a page of the admin."""
        return self.is_staff and permissions.has_permission(self, permissions.PROMOTE_MODELS)

    @property
    def can_view_operations(self) -> bool:
        """Return whether the user can see the operations page and the metrics of the server."""
        return permissions.has_permission(self, permissions.VIEW_OPERATIONS)


class ApiToken(models.Model):
    """A named API key of a user. Only its SHA-256 is stored. The prefix lets its owner recognize it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # serves: authentication by token
    scopes = models.CharField(
        max_length=100,
        default=ALL_SCOPES,
        validators=[validate_scopes],
        help_text=_("What the token may do, separated by spaces."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=_("If empty, the token is valid until it is revoked.")
    )
    last_used_at = models.DateTimeField(null=True, editable=False, help_text=_("Updated at most once per minute."))
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, scope: str) -> bool:
        """Return whether the token has a scope."""
        return scope in self.scopes.split()

    @property
    def state(self) -> str:
        """Return `active`, `expired`, or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"


class AttemptCount(models.Model):
    """How often something happened in the current hour, such as the sign-ups of a network, or the test events of a user."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64)  # SHA-256 of the network, the email address, or the ID of the user
    started_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "key"), name="attempt_count_kind_key"),)
        indexes = (models.Index(fields=("started_at",), name="attempt_count_started"),)  # serves: deletion of old counts

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}"


class Usage(models.Model):
    """What a user has used of a limit in the current period. `accounts.services.usage` writes it."""

    class Kind(models.TextChoices):
        REQUESTS = "requests", _("Requests")
        PREDICTIONS = "predictions", _("Predictions")

    user = models.ForeignKey(User, models.CASCADE, related_name="usage")
    kind = models.CharField(max_length=20, choices=Kind)
    started_at = models.DateTimeField()
    used = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = _("usage")
        constraints = (models.UniqueConstraint(fields=("user", "kind"), name="usage_user_kind"),)

    def __str__(self) -> str:
        return f"{self.user}: {self.used} {self.kind}"
