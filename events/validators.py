"""Validators of webhooks."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from events.event_types import find_event_type
from events.webhooks.addresses import MAX_URL_CHARACTERS, InvalidURL, is_allowed, parse_url

URL_MESSAGES: dict[str, Any] = {
    "invalid": _("Enter a complete URL, for example https://example.org/hooks/mlsite."),
    "https-required": _("Start the URL with https://."),
    "credentials": _("Remove the username and password from the URL. Use the signature to authenticate requests."),
    "fragment": _("Remove the part of the URL after the # sign."),
    "too-long": _("The URL is too long. The limit is %(limit)s characters."),
}


def validate_webhook_url(url: str) -> None:
    """Check that webhooks can use a URL. Names of hosts are resolved and checked with each request.

    Raises:
        ValidationError: they cannot.
    """
    try:
        host = parse_url(url).host
    except InvalidURL as error:
        code, values = str(error), {"limit": MAX_URL_CHARACTERS}
        raise ValidationError(URL_MESSAGES[code], code=code, params=values) from error
    try:
        address = ip_address(host)
    except ValueError:
        return
    if not is_allowed(address):
        raise ValidationError(gettext("Use a public address. This one belongs to a private network."), code="private")


def validate_event_types(names: object) -> None:
    """Check that names are a list of types that users can choose.

    Raises:
        ValidationError: they are not.
    """
    if not isinstance(names, list) or not names:
        raise ValidationError(gettext("Choose at least one event."), code="required")
    unknown = [name for name in names if not isinstance(name, str) or find_event_type(name) is None]
    if unknown:
        raise ValidationError(gettext("Unknown event: %(name)s") % {"name": unknown[0]}, code="unknown")
