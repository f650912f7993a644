"""The hidden field of forms that are stored once although they are submitted twice."""

from __future__ import annotations

import secrets

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.forms import SUBMISSION_KEY_FIELD

register = template.Library()


@register.simple_tag
def submission_key() -> SafeString:
    """Return a hidden field with a new key. A form that is submitted twice with the same key is stored once.

    Without `autocomplete`, some browsers keep the old key when the page is reloaded.
    """
    key = secrets.token_urlsafe(16)
    return format_html('<input type="hidden" name="{}" value="{}" autocomplete="off">', SUBMISSION_KEY_FIELD, key)
