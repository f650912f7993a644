"""Forms for sign-up and API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.scopes import DEFAULT_SCOPES, SCOPE_CHOICES, join_scopes

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


class PasswordChangeForm(auth_forms.PasswordChangeForm):
    """Check the old password as sign-in does, so that wrong ones are counted and slowed down."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if authenticate(self._request, username=self.user.get_username(), password=password) is None:
            raise forms.ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return password


class ScopeBoxes(forms.CheckboxSelectMultiple):
    """Check boxes, and a hidden field by which a form without a checked box differs from a form without the boxes."""

    template_name = "accounts/_scope_boxes.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the checked scopes; the default ones if the form was sent without the boxes."""
        if self.value_omitted_from_data(data, files, name):
            return list(DEFAULT_SCOPES)
        return [value for value in super().value_from_datadict(data, files, name) if value]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data


class ScopesField(forms.MultipleChoiceField):
    """The scopes of a token."""

    widget = ScopeBoxes

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=SCOPE_CHOICES,
            initial=DEFAULT_SCOPES,
            error_messages={"required": "Choose at least one scope."},
            help_text="What the token may do. It never has more rights than you.",
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        """Return the scopes as they are stored."""
        return join_scopes(super().clean(value))


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=ApiToken._meta.get_field("name").max_length,
        help_text="What the token is for, for example: nightly import",
    )
    lifetime = forms.ChoiceField(
        choices=LIFETIME_DAYS_CHOICES, required=False, label="Valid for", initial=DEFAULT_LIFETIME_DAYS
    )
    scopes = ScopesField()

    def get_expiry(self) -> datetime | None:
        """Return when the token expires, or None if it is valid until it is revoked."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None
