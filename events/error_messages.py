"""Errors of deliveries. They are stored in English with a code and its values, so that pages show them translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, gettext_noop

MAX_ERROR_CHARACTERS = 1000
MAX_CODE_CHARACTERS = 30
MAX_VALUE_CHARACTERS = 300
TEXTS = {
    "no-response": gettext_noop("There was no response within %(seconds)s seconds."),
    "certificate": gettext_noop("The certificate is not valid: %(reason)s."),
    "tls": gettext_noop("The TLS connection failed: %(reason)s."),
    "invalid-http": gettext_noop("The response is not valid HTTP: %(reason)s."),
    "connection": gettext_noop("The connection failed: %(reason)s."),
    "host-timeout": gettext_noop("The address of %(host)s was not found in time."),
    "host-not-found": gettext_noop("The host %(host)s was not found."),
    "address-refused": gettext_noop("%(host)s has an address that is not public."),
    "invalid-url": gettext_noop("The URL is not allowed. Use https://."),
    "redirect": gettext_noop("The response is a redirect (%(status)s). Change the URL of the webhook to the new address."),
    "status": gettext_noop("The response has the status %(status)s."),
    "disabled": gettext_noop("The webhook is disabled."),
    "paused": gettext_noop("The webhook is paused."),
    "deleted": gettext_noop("The webhook was deleted."),
    "inactive-user": gettext_noop("The account of the user is not active."),
    "forbidden": gettext_noop("The user has no permission to see this event."),
}


class ErrorMessage(str):
    """An English sentence that knows its code, a key of `TEXTS`, and the values in it. A plain text has no translation."""

    __slots__ = ("code", "values")
    code: str
    values: Mapping[str, Any]


def build_error(code: str, **values: str | int) -> ErrorMessage:
    """Return the message of a code, with its values. Long texts are cut."""
    short = {name: value[:MAX_VALUE_CHARACTERS] if isinstance(value, str) else value for name, value in values.items()}
    message = ErrorMessage(TEXTS[code] % short)
    message.code, message.values = code, short
    return message


def get_error_columns(message: str, *, prefix: str = "error") -> dict[str, Any]:
    """Return the values of the columns that store an error: its text, its code, and the values in it."""
    return {
        prefix: message[:MAX_ERROR_CHARACTERS],
        f"{prefix}_code": getattr(message, "code", ""),
        f"{prefix}_values": getattr(message, "values", None),
    }


def translate_error(text: str, *, code: str, values: Mapping[str, Any] | None) -> str:
    """Return a stored error in the current language.

    The text is returned as it is if it has no code, or not the one that belongs to it: a server of another release may have
    stored it.
    """
    try:
        is_current = TEXTS[code] % (values or {}) == text
        return gettext(TEXTS[code]) % (values or {}) if is_current else text
    except (KeyError, TypeError, ValueError):
        return text
