"""Forms of webhooks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from events.event_types import list_event_types
from events.models.webhook import MAX_DESCRIPTION_CHARACTERS
from events.validators import validate_webhook_url
from events.webhooks.addresses import MAX_URL_CHARACTERS


def list_event_choices() -> list[tuple[str, Any]]:
    return [(event_type.name, event_type.label) for event_type in list_event_types()]


class WebhookForm(forms.Form):
    """The address and the events of a webhook."""

    url = forms.CharField(
        label=_("URL"),
        max_length=MAX_URL_CHARACTERS,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hooks/mlsite", "autocomplete": "off"}),
        help_text=_("Receives a POST request for each event."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=MAX_DESCRIPTION_CHARACTERS, required=False, help_text=_("Optional.")
    )
    event_types = forms.MultipleChoiceField(
        label=_("Events"),
        choices=list_event_choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )

    def clean_url(self) -> str:
        """Check a URL that the field accepts, so that a URL has one error at most."""
        url: str = self.cleaned_data["url"]
        validate_webhook_url(url)
        return url
