"""Users and API tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts import permissions
from accounts.preferences import validate_language, validate_time_zone
from accounts.querysets import ApiTokenQuerySet
from accounts.scopes import ALL_SCOPES, validate_scopes
from core.fields import UUID7Field


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


class ExternalIdentity(models.Model):
    """A user of the provider of an organization, who signs in to an account of this site."""

    user = models.ForeignKey(User, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255, help_text=_("The ID of the user at the provider."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = (
            # Also serves: sign-in with the provider.
            models.UniqueConstraint(fields=("issuer", "subject"), name="identity_issuer_subject"),
        )

    def __str__(self) -> str:
        return f"{self.subject} ({self.issuer})"


class AttemptCount(models.Model):
    """How often something happened in the current period: sign-ups and password resets of a network or an address."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64)  # SHA-256 of the network or the email address
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


def get_action_choices() -> list[tuple[str, Any]]:
    """Return the actions of the audit log. As a function, they need no migration, which would drop triggers on SQLite."""
    return AuditEntry.Action.choices


class AuditEntry(models.Model):
    """A record of who did what, when, and from where. Append-only: database triggers reject changes.

    The only exceptions are the actor, the address, and the name of the object, which are cleared when a user is removed.
    `details` must not contain personal data. `accounts.services.audit` writes the rows.
    """

    class Action(models.TextChoices):
        SIGN_IN = "sign-in", _("Sign-in")
        SIGN_IN_FAILED = "sign-in-failed", _("Failed sign-in")
        SIGN_OUT = "sign-out", _("Sign-out")
        TOKEN_CREATED = "token-created", _("Token created")
        TOKEN_REVOKED = "token-revoked", _("Token revoked")
        EXPORT = "export", _("Export")
        ALIAS_MOVED = "alias-moved", _("Alias moved")
        USER_DELETED = "user-deleted", _("User deleted")
        USER_ANONYMIZED = "user-anonymized", _("User anonymized")
        RIGHTS_CHANGED = "rights-changed", _("Rights changed")
        GROUPS_CHANGED = "groups-changed", _("Groups changed")
        PERMISSIONS_CHANGED = "permissions-changed", _("Permissions changed")
        IDENTITY_LINKED = "identity-linked", _("Identity linked")
        SECOND_FACTOR_ADDED = "second-factor-added", _("Second factor added")
        SECOND_FACTOR_REMOVED = "second-factor-removed", _("Second factor removed")
        RECOVERY_CODE_USED = "recovery-code-used", _("Recovery code used")
        RECOVERY_CODES_CREATED = "recovery-codes-created", _("Recovery codes created")

    id = UUID7Field()
    created_at = models.DateTimeField(_("time"), default=timezone.now, editable=False)
    action = models.CharField(_("action"), max_length=40, choices=get_action_choices)
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False, verbose_name=_("actor"))
    address = models.GenericIPAddressField(_("address"), null=True)
    object_type = models.CharField(_("object type"), max_length=40, blank=True)
    object_id = models.CharField(_("object ID"), max_length=64, blank=True)
    object_name = models.CharField(_("object"), max_length=200, blank=True)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("action", "-id"), name="audit_action"),  # serves: the list of one action
            models.Index(fields=("actor", "-id"), name="audit_actor"),  # serves: search by user, and the removal of a user
            models.Index(fields=("address", "-id"), name="audit_address"),  # serves: search by address
            models.Index(fields=("object_id", "-id"), name="audit_object"),  # serves: search by object, and the removal
        )

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.object_name}" if self.object_name else self.get_action_display()
