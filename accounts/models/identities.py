"""Accounts of users at the provider of an organization."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User


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
