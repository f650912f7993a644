"""Sign-up and tokens."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils import timezone

from accounts.models import ApiToken, User

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until revoked")]


class SignUpForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("username", "email")
        help_texts = {
            "username": "Letters, digits and @ . + - _",
            "email": "Optional; needed to reset a forgotten password.",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"
        self.fields["password1"].help_text = "At least eight characters, not only digits, nothing too common."
        self.fields["password2"].help_text = ""
        self.fields.pop("usable_password", None)


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=ApiToken._meta.get_field("name").max_length, help_text="What it is for, such as: nightly import"
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, required=False, label="Valid for", initial="90")

    def expires_at(self):
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None
