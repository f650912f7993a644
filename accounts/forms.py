"""Forms for sign-up and API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils import timezone

from accounts.models import ApiToken, User

LIFETIME_DAYS_CHOICES = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "Until revoked")]
DEFAULT_LIFETIME_DAYS = "90"


class SignUpForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("username", "email")
        labels = {"email": "Email"}
        help_texts = {
            "username": "Letters, digits, and @ . + - _",
            "email": "Optional. Required to reset a forgotten password.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "password1"
        ].help_text = "Use at least 8 characters. The password cannot be common or consist only of digits."
        self.fields["password2"].help_text = ""
        self.fields.pop("usable_password", None)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=ApiToken._meta.get_field("name").max_length,
        help_text="What the token is for, for example: nightly import",
    )
    lifetime = forms.ChoiceField(
        choices=LIFETIME_DAYS_CHOICES, required=False, label="Valid for", initial=DEFAULT_LIFETIME_DAYS
    )

    def get_expiry(self) -> datetime | None:
        """Return when the token expires, or None if it is valid until it is revoked."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None
