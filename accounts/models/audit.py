"""The audit log."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from core.fields import UUID7Field


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
        USER_ERASED = "user-erased", _("User erased")
        RIGHTS_CHANGED = "rights-changed", _("Rights changed")
        GROUPS_CHANGED = "groups-changed", _("Groups changed")
        PERMISSIONS_CHANGED = "permissions-changed", _("Permissions changed")
        IDENTITY_LINKED = "identity-linked", _("Identity linked")
        SECOND_FACTOR_ADDED = "second-factor-added", _("Second factor added")
        SECOND_FACTOR_REMOVED = "second-factor-removed", _("Second factor removed")
        SECOND_FACTOR_LOCKED = "second-factor-locked", _("Second factor locked")
        RECOVERY_CODE_USED = "recovery-code-used", _("Recovery code used")
        RECOVERY_CODES_CREATED = "recovery-codes-created", _("Recovery codes created")
        ALERT_ACKNOWLEDGED = "alert-acknowledged", _("Alert acknowledged")
        ALERT_MUTED = "alert-muted", _("Alert muted")
        ALERT_UNMUTED = "alert-unmuted", _("Alert unmuted")
        ALERT_RULE_CREATED = "alert-rule-created", _("Alert rule created")
        ALERT_RULE_CHANGED = "alert-rule-changed", _("Alert rule changed")
        ALERT_RULE_DELETED = "alert-rule-deleted", _("Alert rule deleted")

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
