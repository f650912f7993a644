"""Forms for sign-up and API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, User
from accounts.preferences import PAGE_SIZES, list_time_zones
from accounts.scopes import DEFAULT_SCOPES, SCOPE_CHOICES, join_scopes

LIFETIME_DAYS_CHOICES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("", _("Until revoked"))]
DEFAULT_LIFETIME_DAYS = "90"


class SignUpForm(UserCreationForm):
    """The fields of a new account. All mistakes are shown at once, and each field is checked when the user leaves it.

    Args:
        is_check: the form is not complete yet. Empty fields are no mistakes, and whether a username is taken is not looked
            up: only a complete form, which is limited per network, shows that.
    """

    class Meta:
        model = User
        fields = ("username", "email")
        labels = {"email": _("Email")}
        help_texts = {
            "username": _("Letters, digits, and @ . + - _"),
            "email": _("Optional. Required to reset a forgotten password."),
        }

    def __init__(self, *args: Any, is_check: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_check = is_check
        self.fields["password1"].help_text = _(
            "Use at least 8 characters. The password cannot be common or consist only of digits."
        )
        self.fields["password2"].help_text = ""
        self.fields.pop("usable_password", None)
        for name, field in self.fields.items():
            field.template_name = "accounts/_checked_field.html"  # type: ignore[attr-defined]  # django-stubs lacks it
            help_id = f"id_{name}_helptext " if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"{help_id}id_{name}_errors"
            if is_check:
                field.required = False

    def clean_username(self) -> str:
        return self.cleaned_data["username"] if self.is_check else super().clean_username()

    def validate_unique(self) -> None:
        if not self.is_check:
            super().validate_unique()

    def validate_password_for_user(self, user: User, password_field_name: str = "password1") -> None:  # noqa: S107 # nosec B107
        """Show the errors of a password at the first field, even if the second one differs."""
        super().validate_password_for_user(user, password_field_name)  # type: ignore[misc]


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


def list_language_choices() -> list[tuple[str, Any]]:
    return [("", _("As in the browser")), *settings.LANGUAGES]


def list_time_zone_choices() -> list[tuple[str, Any]]:
    """Return the time zones, grouped by the part of the world."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in list_time_zones():
        region, _separator, place = name.partition("/")
        groups.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ") or name))
    return [("", _("As in the browser")), *groups.items()]


class PreferencesForm(forms.Form):
    """Language, time zone, theme, and page size. Empty values let the browser or the system decide."""

    language = forms.ChoiceField(label=_("Language"), required=False, choices=list_language_choices)
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=list_time_zone_choices)
    theme = forms.ChoiceField(
        label=_("Theme"), required=False, choices=lambda: [("", _("As in the system")), *User.Theme.choices]
    )
    page_size = forms.TypedChoiceField(
        label=_("Rows per page"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Default")), *((str(size), str(size)) for size in PAGE_SIZES)],
    )


def check_password(request: HttpRequest, password: str) -> str:
    """Return the password of the signed-in user.

    Raises:
        ValidationError: it is wrong. It is counted like a wrong password at sign-in.
    """
    if authenticate(request, username=request.user.get_username(), password=password) is None:
        raise forms.ValidationError(_("The password is wrong."), code="password_incorrect")
    return password


class PasswordForm(forms.Form):
    """The password of the signed-in user. It is checked as sign-in does, so that wrong ones are counted and slowed down."""

    password = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Confirms that it is you."),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_password(self) -> str:
        return check_password(self._request, self.cleaned_data["password"])


class EmailForm(PasswordForm):
    """A new email address. The password confirms it, because the address can reset the password."""

    email = forms.EmailField(label=_("Email"), max_length=254, required=False)
    field_order = ("email", "password")


class ErasureForm(PasswordForm):
    """Confirms the erasure of an account: with the password or, for accounts without one, with the username."""

    username = forms.CharField(label=_("Username"), help_text=_("Confirms that you want to erase this account."))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, **kwargs)
        del self.fields["username" if request.user.has_usable_password() else "password"]  # type: ignore[union-attr]

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if username != self._request.user.get_username():
            raise forms.ValidationError(_("Enter your username."), code="username_incorrect")
        return username


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
            error_messages={"required": _("Choose at least one scope.")},
            help_text=_("What the token may do. It never has more rights than you."),
            **kwargs,
        )

    def clean(self, value: Any) -> str:
        """Return the scopes as they are stored."""
        return join_scopes(super().clean(value))


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=ApiToken._meta.get_field("name").max_length,
        help_text=_("What the token is for, for example: nightly import"),
    )
    lifetime = forms.ChoiceField(
        choices=LIFETIME_DAYS_CHOICES, required=False, label=_("Valid for"), initial=DEFAULT_LIFETIME_DAYS
    )
    scopes = ScopesField(label=_("Scopes"))

    def get_expiry(self) -> datetime | None:
        """Return when the token expires, or None if it is valid until it is revoked."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None
